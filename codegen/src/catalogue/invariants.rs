//! EL05xx: invariants.

super::codes! {}
