//! Values that the driver has no form for.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use crate::values::Timestamp;

/// Microseconds from 1970-01-01 to 2000-01-01, from where PostgreSQL counts.
const EPOCH: i64 = 946_684_800_000_000;

/// A time as PostgreSQL has it: `timestamptz`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time(pub(crate) Timestamp);

impl ToSql for Time {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        // Within the years 0000 to 9999, which is far from the limits.
        out.extend_from_slice(&(self.0.as_micros() - EPOCH).to_be_bytes());
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Time {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        let micros = micros.checked_add(EPOCH).ok_or("a time without end")?;
        Ok(Self(Timestamp::try_from_micros(micros)?))
    }

    accepts!(TIMESTAMPTZ);
}
