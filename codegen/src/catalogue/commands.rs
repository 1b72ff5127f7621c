//! EL04xx: commands.

super::codes! {}
