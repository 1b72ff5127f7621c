//! States that are written by hand: serde's derives say how they stand in JSON.

use std::any::type_name;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

pub use serde::Serialize;
pub use serde::de::DeserializeOwned;

use super::DecodeError;

/// Appends a hand-written state as JSON.
///
/// A state that is no JSON (a map whose keys are lists, say) is written as nothing at all, with an error
/// in the log, once for its type: there is no snapshot of it then, and the stream is replayed instead.
pub fn encode_custom<T: Serialize>(state: &T, out: &mut Vec<u8>) {
    let start = out.len();
    if let Err(error) = serde_json::to_writer(&mut *out, state) {
        out.truncate(start);
        if is_news(type_name::<T>()) {
            tracing::error!(
                state = type_name::<T>(), %error,
                "a hand-written state can't be written as JSON: streams are replayed without snapshots; \
                 maps need keys that are texts or numbers"
            );
        }
    }
}

/// Whether nothing was said about a type yet.
fn is_news(state: &'static str) -> bool {
    static TOLD: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(state)
}

/// Reads what [`encode_custom`] wrote.
///
/// # Errors
/// [`DecodeError`] where the bytes are not such a state.
pub fn decode_custom<T: DeserializeOwned>(data: &[u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(data).map_err(DecodeError::invalid)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_state_comes_back_and_one_that_is_no_json_is_never_mistaken_for_another() {
        let mut out = b"x".to_vec();
        encode_custom(&vec![1, 2], &mut out);
        assert_eq!(out, b"x[1,2]");
        assert_eq!(decode_custom::<Vec<i64>>(&out[1..]).unwrap(), [1, 2]);
        let mut out = Vec::new();
        encode_custom(&BTreeMap::from([(vec![1], 2)]), &mut out);
        assert!(decode_custom::<BTreeMap<Vec<i64>, i64>>(&out).is_err());
    }

    /// Written as `null`, such a state was read back as one that had none: the events that it stood for
    /// were skipped in silence.
    #[test]
    fn a_state_that_may_be_absent_is_not_mistaken_for_an_absent_one() {
        let mut out = Vec::new();
        encode_custom(&Some(BTreeMap::from([(vec![1], 2)])), &mut out);
        assert!(decode_custom::<Option<BTreeMap<Vec<i64>, i64>>>(&out).is_err());
    }
}
