//! The root of every query that somebody asks: what of their authority exists for them.
//!
//! A statement that finds cases, or anything of theirs, takes a [`Root`] in place of an authority and filters by
//! [`Root::of_case`], [`Root::of_one_case`] or [`Root::of_request`]. What the service reads for its own ends, after a
//! right was checked or where nobody asked, takes [`Root::of_authority`]. Called by the files of the table families;
//! `service` makes roots.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, HasSqlType, Text, Timestamp};
use uuid::Uuid;

/// What of an authority exists for somebody.
#[derive(Debug, Clone)]
pub struct Root {
    la_code: String,
    sight: Sight,
}

/// Who looks.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sight {
    /// The service itself.
    Whole,
    /// Somebody of the authority: all but sealed cases that were not opened to them.
    Staff { grantee: String, at: NaiveDateTime },
    /// Somebody of an organisation: what was asked of it, on cases that are not sealed or were opened to it; and the
    /// one case, if any, that they are family of.
    Organisation {
        organisation_id: String,
        grantee: String,
        own_case_id: String,
        at: NaiveDateTime,
    },
    /// Family: one case. The nil case is none.
    Family { case_id: String },
}

/// A condition on rows of a case, or of what was asked of an organisation about one.
#[derive(Debug, Clone)]
pub struct InSight {
    sight: Sight,
    case_column: Named,
    share: Share,
}

/// A column by its table and name.
#[derive(Debug, Clone, Copy)]
struct Named(&'static str);

/// [`InSight`] for a statement that finds one row by its key, and so needs no index for the condition: whoever looks,
/// its text is the same, and is written and compiled once.
#[derive(Debug, Clone)]
pub struct OneInSight<C> {
    case_column: C,
    is_whole: bool,
    own_case_id: String,
    sees_unsealed: bool,
    grantee: String,
    at: NaiveDateTime,
}

/// What an organisation has to do with the rows.
#[derive(Debug, Clone, Copy)]
enum Share {
    /// Nothing: they are the authority's own.
    None,
    /// Those are its own that hold its id in this column.
    Owed(&'static str),
    /// The statement itself asks for its own.
    Asked,
}

impl Root {
    /// All of an authority, for what the service does by itself.
    pub fn of_authority(la_code: &str) -> Root {
        Root {
            la_code: la_code.to_owned(),
            sight: Sight::Whole,
        }
    }

    /// For somebody of the authority, by the subject of their tokens.
    pub fn of_staff(la_code: &str, subject: &str, now: DateTime<Utc>) -> Root {
        Root {
            la_code: la_code.to_owned(),
            sight: Sight::Staff {
                grantee: grantee_person(subject),
                at: now.naive_utc(),
            },
        }
    }

    /// For somebody who speaks for an organisation, and may be family of a case beside.
    pub fn of_organisation(
        la_code: &str,
        organisation_id: Uuid,
        own_case_id: Option<Uuid>,
        now: DateTime<Utc>,
    ) -> Root {
        Root {
            la_code: la_code.to_owned(),
            sight: Sight::Organisation {
                organisation_id: organisation_id.to_string(),
                grantee: grantee_organisation(organisation_id),
                own_case_id: own_case_id.unwrap_or_default().to_string(),
                at: now.naive_utc(),
            },
        }
    }

    /// For family of a case; without one, nothing exists.
    pub fn of_family(la_code: &str, case_id: Option<Uuid>) -> Root {
        Root {
            la_code: la_code.to_owned(),
            sight: Sight::Family {
                case_id: case_id.unwrap_or_default().to_string(),
            },
        }
    }

    pub fn la_code(&self) -> &str {
        &self.la_code
    }

    /// The one case that exists, for family; the nil case is none.
    pub fn family_case_id(&self) -> Option<&str> {
        match &self.sight {
            Sight::Whole | Sight::Staff { .. } | Sight::Organisation { .. } => None,
            Sight::Family { case_id } => Some(case_id),
        }
    }

    /// Whether it is only a few cases or requests that exist, so that they are found by themselves.
    pub fn is_narrow(&self) -> bool {
        match self.sight {
            Sight::Whole | Sight::Staff { .. } => false,
            Sight::Organisation { .. } | Sight::Family { .. } => true,
        }
    }

    /// That the case whose id a column holds exists.
    pub fn of_case(&self, case_column: &'static str) -> InSight {
        InSight {
            sight: self.sight.clone(),
            case_column: Named(case_column),
            share: Share::None,
        }
    }

    /// [`Root::of_case`] for a statement that finds one row by its key.
    pub fn of_one_case<C>(&self, case_column: C) -> OneInSight<C> {
        let nothing = OneInSight {
            case_column,
            is_whole: false,
            own_case_id: String::new(),
            sees_unsealed: false,
            grantee: String::new(),
            at: NaiveDateTime::default(),
        };
        match &self.sight {
            Sight::Whole => OneInSight {
                is_whole: true,
                ..nothing
            },
            Sight::Staff { grantee, at } => OneInSight {
                sees_unsealed: true,
                grantee: grantee.clone(),
                at: *at,
                ..nothing
            },
            Sight::Organisation { own_case_id, .. } => OneInSight {
                own_case_id: own_case_id.clone(),
                ..nothing
            },
            Sight::Family { case_id } => OneInSight {
                own_case_id: case_id.clone(),
                ..nothing
            },
        }
    }

    /// That the case whose id a column holds exists, where the statement itself asks only for those that an
    /// organisation has to do with.
    pub fn of_shared_case(&self, case_column: &'static str) -> InSight {
        InSight {
            sight: self.sight.clone(),
            case_column: Named(case_column),
            share: Share::Asked,
        }
    }

    /// That what was asked of the organisation in one column about the case in another exists.
    pub fn of_request(&self, case_column: &'static str, organisation_column: &'static str) -> InSight {
        InSight {
            sight: self.sight.clone(),
            case_column: Named(case_column),
            share: Share::Owed(organisation_column),
        }
    }
}

/// A person or a system to whom a sealed case is opened.
pub fn grantee_person(subject: &str) -> String {
    format!("subject:{subject}")
}

/// An organisation to which a sealed case is opened.
pub fn grantee_organisation(organisation_id: Uuid) -> String {
    format!("organisation:{organisation_id}")
}

/// Somebody of the family to whom a case that is sealed even for the family is opened.
pub fn grantee_of_family(person_id: Uuid) -> String {
    format!("person:{person_id}")
}

impl<DB: Backend> QueryFragment<DB> for Named {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}

/// Its text tells a statement from the others.
impl QueryId for InSight {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Expression for InSight {
    type SqlType = Bool;
}

impl<Table> AppearsOnTable<Table> for InSight {}

impl<Table> SelectableExpression<Table> for InSight {}

impl<Grouping> ValidGrouping<Grouping> for InSight {
    type IsAggregate = is_aggregate::Never;
}

impl<DB> QueryFragment<DB> for InSight
where
    DB: Backend + HasSqlType<Text> + HasSqlType<Timestamp>,
    str: ToSql<Text, DB>,
    NaiveDateTime: ToSql<Timestamp, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        match &self.sight {
            Sight::Whole => {
                out.push_sql("1 = 1");
                Ok(())
            }
            Sight::Staff { grantee, at } => unsealed(out, &self.case_column, grantee, at),
            Sight::Organisation {
                organisation_id,
                grantee,
                own_case_id,
                at,
            } => match self.share {
                Share::None => is(out, self.case_column.0, own_case_id),
                Share::Owed(column) => {
                    is(out.reborrow(), column, organisation_id)?;
                    out.push_sql(" AND ");
                    unsealed(out, &self.case_column, grantee, at)
                }
                Share::Asked => unsealed(out, &self.case_column, grantee, at),
            },
            Sight::Family { case_id } => is(out, self.case_column.0, case_id),
        }
    }
}

impl<C: QueryId> QueryId for OneInSight<C> {
    type QueryId = OneInSight<C::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = C::HAS_STATIC_QUERY_ID;
}

impl<C> Expression for OneInSight<C> {
    type SqlType = Bool;
}

impl<C, Table> AppearsOnTable<Table> for OneInSight<C> {}

impl<C, Table> SelectableExpression<Table> for OneInSight<C> {}

impl<C, Grouping> ValidGrouping<Grouping> for OneInSight<C> {
    type IsAggregate = is_aggregate::Never;
}

impl<C, DB> QueryFragment<DB> for OneInSight<C>
where
    C: QueryFragment<DB>,
    DB: Backend + HasSqlType<Bool> + HasSqlType<Text> + HasSqlType<Timestamp>,
    bool: ToSql<Bool, DB>,
    str: ToSql<Text, DB>,
    NaiveDateTime: ToSql<Timestamp, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("(");
        out.push_bind_param::<Bool, bool>(&self.is_whole)?;
        out.push_sql(" OR ");
        self.case_column.walk_ast(out.reborrow())?;
        out.push_sql(" = ");
        out.push_bind_param::<Text, str>(&self.own_case_id)?;
        out.push_sql(" OR (");
        out.push_bind_param::<Bool, bool>(&self.sees_unsealed)?;
        out.push_sql(" AND ");
        unsealed(out.reborrow(), &self.case_column, &self.grantee, &self.at)?;
        out.push_sql("))");
        Ok(())
    }
}

fn is<'b, DB>(mut out: AstPass<'_, 'b, DB>, column: &'static str, value: &'b str) -> QueryResult<()>
where
    DB: Backend + HasSqlType<Text>,
    str: ToSql<Text, DB>,
{
    out.push_sql(column);
    out.push_sql(" = ");
    out.push_bind_param::<Text, str>(value)
}

/// That a case is not sealed, or was opened to somebody and still is.
fn unsealed<'b, C, DB>(
    mut out: AstPass<'_, 'b, DB>,
    case_column: &'b C,
    grantee: &'b str,
    at: &'b NaiveDateTime,
) -> QueryResult<()>
where
    C: QueryFragment<DB>,
    DB: Backend + HasSqlType<Text> + HasSqlType<Timestamp>,
    str: ToSql<Text, DB>,
    NaiveDateTime: ToSql<Timestamp, DB>,
{
    out.push_sql("NOT EXISTS (SELECT 1 FROM case_seals WHERE case_seals.case_id = ");
    case_column.walk_ast(out.reborrow())?;
    out.push_sql(
        " AND NOT EXISTS (SELECT 1 FROM case_grants WHERE case_grants.case_id = case_seals.case_id \
         AND case_grants.grantee = ",
    );
    out.push_bind_param::<Text, str>(grantee)?;
    out.push_sql(" AND case_grants.until_at > ");
    out.push_bind_param::<Timestamp, NaiveDateTime>(at)?;
    out.push_sql("))");
    Ok(())
}
