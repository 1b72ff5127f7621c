//! Methods of sets and maps.

use super::Receiver::{Map, Set};
use super::{Signature, later};

/// Methods of sets and maps.
pub(super) const COLLECTIONS: &[Signature] = &[later(Set, "len"), later(Map, "len")];
