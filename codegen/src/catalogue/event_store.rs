//! EL08xx: the event store section.

super::codes! {}
