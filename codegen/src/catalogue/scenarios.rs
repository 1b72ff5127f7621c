//! EL07xx: scenarios.

super::codes! {}
