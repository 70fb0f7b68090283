//! Lists of cases to dispose of, what was decided of each case, and what is left of those that were disposed of.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::column::{Instant, OptionalDay, OptionalInstant};
use super::connection::{AnyConnection, on_backend};
use super::fragment::after_instant;
use super::schema::{disposal_items, disposal_lists};
use super::settings::{Hold, hold_authority};
use super::{MultiBackend, Root, StoreError};

/// With an authority it names the lock on the making of its lists.
const LIST_LOCKS: i32 = 0x4549;

/// A list.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = disposal_lists, treat_none_as_null = true)]
pub struct DisposalListRow {
    pub id: String,
    pub la_code: String,
    pub state: String,
    #[diesel(deserialize_as = Instant)]
    pub made_at: NaiveDateTime,
    pub made_by: String,
    #[diesel(deserialize_as = OptionalInstant)]
    pub reviewed_at: Option<NaiveDateTime>,
    pub reviewed_by: Option<String>,
    #[diesel(deserialize_as = OptionalInstant)]
    pub carried_out_at: Option<NaiveDateTime>,
    pub carried_out_by: Option<String>,
    pub version: i64,
}

/// A case on a list. What it says of a case that was disposed of is all that is left of it beside the trail.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = disposal_items, primary_key(list_id, case_id), treat_none_as_null = true)]
pub struct DisposalItemRow {
    pub list_id: String,
    pub la_code: String,
    pub case_id: String,
    pub reference: String,
    /// None once it was disposed of, since it tells the date of birth.
    #[diesel(deserialize_as = OptionalDay)]
    pub dispose_after_on: Option<NaiveDate>,
    /// The rule that decided, in words without a date.
    pub rule: String,
    pub decision: Option<String>,
    pub kept_because: Option<String>,
    /// What the reviewer wrote.
    pub kept_reason: Option<String>,
    /// Whether the list is not carried out yet; a case is pending on one list at most.
    pub is_pending: bool,
    #[diesel(deserialize_as = OptionalInstant)]
    pub disposed_at: Option<NaiveDateTime>,
}

/// A case that was disposed of.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct DisposedRow {
    pub case_id: String,
    pub reference: String,
    pub rule: String,
    pub list_id: String,
    #[diesel(deserialize_as = OptionalInstant)]
    pub disposed_at: Option<NaiveDateTime>,
    pub disposed_by: Option<String>,
}

/// Keeps others of the authority from making a list until the transaction ends.
pub fn hold_making_lists(connection: &mut AnyConnection, la_code: &str) -> Result<(), StoreError> {
    hold_authority(connection, LIST_LOCKS, la_code, Hold::Alone)
}

/// Writes a list with its cases.
pub fn insert_list(
    connection: &mut AnyConnection,
    list: &DisposalListRow,
    items: &[DisposalItemRow],
) -> Result<(), StoreError> {
    on_backend!(connection, inner => diesel::insert_into(disposal_lists::table)
        .values(list).execute(inner))?;
    for item in items {
        on_backend!(connection, inner => diesel::insert_into(disposal_items::table)
            .values(item).execute(inner))?;
    }
    Ok(())
}

pub fn find_list(
    connection: &mut AnyConnection,
    la_code: &str,
    list_id: Uuid,
) -> Result<DisposalListRow, StoreError> {
    Ok(disposal_lists::table
        .filter(disposal_lists::la_code.eq(la_code))
        .filter(disposal_lists::id.eq(list_id.to_string()))
        .select(DisposalListRow::as_select())
        .first(connection)?)
}

/// Reads a list and holds it until the transaction ends. Whoever holds a list and a case holds the list first.
pub fn lock_list(
    connection: &mut AnyConnection,
    la_code: &str,
    list_id: Uuid,
) -> Result<DisposalListRow, StoreError> {
    let query = disposal_lists::table
        .filter(disposal_lists::la_code.eq(la_code))
        .filter(disposal_lists::id.eq(list_id.to_string()));
    // SQLite has one writer, which holds everything already.
    match connection {
        AnyConnection::Sqlite(inner) => Ok(query.select(DisposalListRow::as_select()).get_result(inner)?),
        AnyConnection::Postgres(inner) => Ok(query
            .select(DisposalListRow::as_select())
            .for_no_key_update()
            .get_result(inner)?),
    }
}

/// Writes all columns of a list that is held.
pub fn update_list(connection: &mut AnyConnection, row: &DisposalListRow) -> Result<(), StoreError> {
    let stored = disposal_lists::table
        .filter(disposal_lists::la_code.eq(&row.la_code))
        .filter(disposal_lists::id.eq(&row.id));
    on_backend!(connection, inner => diesel::update(stored).set(row).execute(inner))?;
    Ok(())
}

/// Writes all columns of a case on a list that is held.
pub fn update_item(connection: &mut AnyConnection, row: &DisposalItemRow) -> Result<(), StoreError> {
    let stored = disposal_items::table
        .filter(disposal_items::la_code.eq(&row.la_code))
        .filter(disposal_items::list_id.eq(&row.list_id))
        .filter(disposal_items::case_id.eq(&row.case_id));
    on_backend!(connection, inner => diesel::update(stored).set(row).execute(inner))?;
    Ok(())
}

/// A page of the authority's lists, by id.
pub fn page_of_lists(
    connection: &mut AnyConnection,
    la_code: &str,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<DisposalListRow>, StoreError> {
    let mut query = disposal_lists::table
        .filter(disposal_lists::la_code.eq(la_code.to_owned()))
        .select(DisposalListRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(after) = after {
        query = query.filter(disposal_lists::id.gt(after.to_string()));
    }
    Ok(query
        .order(disposal_lists::id.asc())
        .limit(limit)
        .load(connection)?)
}

/// The cases on a list in the order of their ids, less those that do not exist at the root. One that was disposed
/// of has no seal any more, and is there for everybody.
pub fn items_of_list(
    connection: &mut AnyConnection,
    root: &Root,
    list_id: &str,
) -> Result<Vec<DisposalItemRow>, StoreError> {
    Ok(disposal_items::table
        .filter(disposal_items::la_code.eq(root.la_code()))
        .filter(root.of_case("disposal_items.case_id"))
        .filter(disposal_items::list_id.eq(list_id))
        .order(disposal_items::case_id.asc())
        .select(DisposalItemRow::as_select())
        .load(connection)?)
}

/// The lines of a case on lists, the oldest list first.
pub fn items_of_case(
    connection: &mut AnyConnection,
    la_code: &str,
    case_id: &str,
) -> Result<Vec<DisposalItemRow>, StoreError> {
    Ok(on_backend!(connection, inner => disposal_items::table
        .filter(disposal_items::la_code.eq(la_code))
        .filter(disposal_items::case_id.eq(case_id))
        .order(disposal_items::list_id.asc())
        .select(DisposalItemRow::as_select()).load(inner))?)
}

/// Takes from all lists what they told of cases that were disposed of.
pub fn silence_items(
    connection: &mut AnyConnection,
    la_code: &str,
    case_ids: &[String],
) -> Result<(), StoreError> {
    let stored = disposal_items::table
        .filter(disposal_items::la_code.eq(la_code))
        .filter(disposal_items::case_id.eq_any(case_ids));
    let nothing = (
        disposal_items::dispose_after_on.eq(None::<NaiveDate>),
        disposal_items::kept_reason.eq(None::<String>),
    );
    on_backend!(connection, inner => diesel::update(stored).set(nothing).execute(inner))?;
    Ok(())
}

/// The cases that were disposed of, the oldest disposal first; those of a reference only, if it is given.
pub fn page_of_disposals(
    connection: &mut AnyConnection,
    la_code: &str,
    reference: Option<&str>,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<DisposedRow>, StoreError> {
    let mut query = disposal_items::table
        .inner_join(disposal_lists::table)
        .filter(disposal_items::la_code.eq(la_code.to_owned()))
        .filter(disposal_items::disposed_at.is_not_null())
        .select((
            disposal_items::case_id,
            disposal_items::reference,
            disposal_items::rule,
            disposal_items::list_id,
            disposal_items::disposed_at,
            disposal_lists::carried_out_by,
        ))
        .into_boxed::<MultiBackend>();
    if let Some(reference) = reference {
        query = query.filter(disposal_items::reference.eq(reference.to_owned()));
    }
    if let Some((at, case_id)) = after {
        let place = "(disposal_items.disposed_at, disposal_items.case_id)";
        query = query.filter(after_instant(place, at.naive_utc(), case_id));
    }
    Ok(query
        .order((disposal_items::disposed_at.asc(), disposal_items::case_id.asc()))
        .limit(limit)
        .load(connection)?)
}
