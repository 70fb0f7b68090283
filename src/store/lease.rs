//! Leases: which replica does a piece of work in the background at present, by the database's clock, so
//! that replicas need not agree on the time.
//!
//! What the work is, `service::lease` knows. Called by it alone.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Timestamp;

use super::StoreError;
use super::connection::{AnyConnection, on_backend};
use super::schema::leases;

/// Takes a lease that is free or has run out, or renews one that the holder has, and answers whether the
/// holder has it now. Of several that ask at once one is told yes.
pub fn claim_lease(
    connection: &mut AnyConnection,
    name: &str,
    holder: &str,
    held_for: TimeDelta,
) -> Result<bool, StoreError> {
    let now = database_now(connection)?;
    let expires_at = now + held_for;
    let free = leases::holder.eq(holder).or(leases::expires_at.le(now));
    let renewed = diesel::update(leases::table.filter(leases::name.eq(name)).filter(free))
        .set((leases::holder.eq(holder), leases::expires_at.eq(expires_at)))
        .execute(connection)?;
    if renewed == 1 {
        return Ok(true);
    }
    let row = (
        leases::name.eq(name),
        leases::holder.eq(holder),
        leases::expires_at.eq(expires_at),
    );
    let taken = on_backend!(connection, inner => diesel::insert_into(leases::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(inner))?;
    Ok(taken == 1)
}

/// Gives a lease back before it runs out, if the holder still has it.
pub fn release_lease(connection: &mut AnyConnection, name: &str, holder: &str) -> Result<(), StoreError> {
    diesel::delete(
        leases::table
            .filter(leases::name.eq(name))
            .filter(leases::holder.eq(holder)),
    )
    .execute(connection)?;
    Ok(())
}

fn database_now(connection: &mut AnyConnection) -> Result<NaiveDateTime, StoreError> {
    let now = match connection {
        AnyConnection::Sqlite(_) => "strftime('%Y-%m-%d %H:%M:%f', 'now')",
        // The transaction may have waited since it began.
        AnyConnection::Postgres(_) => "clock_timestamp() AT TIME ZONE 'UTC'",
    };
    Ok(diesel::select(sql::<Timestamp>(now)).get_result(connection)?)
}
