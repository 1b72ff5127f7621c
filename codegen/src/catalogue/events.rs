//! EL03xx: events and their versions.

super::codes! {}
