//! States that are written by hand: serde's derives say how they stand in JSON.

use std::any::type_name;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

pub use serde::Serialize;
pub use serde::de::DeserializeOwned;

use super::DecodeError;

/// Appends a hand-written state as JSON.
///
/// A state that is no JSON (a map whose keys are lists, say), or whose JSON is read as another one or as
/// none, is written as nothing at all, with an error in the log, once for its type: there is no snapshot
/// of it then, and the stream is replayed instead.
pub fn encode_custom<T: Serialize + DeserializeOwned + PartialEq>(state: &T, out: &mut Vec<u8>) {
    let start = out.len();
    if let Err(reason) = write(state, out) {
        out.truncate(start);
        tell_once::<T>(&reason);
    }
}

/// Writes a state and reads it back: what a snapshot holds is relied on without the events before it.
pub(crate) fn write<T: Serialize + DeserializeOwned + PartialEq>(
    state: &T,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let start = out.len();
    serde_json::to_writer(&mut *out, state).map_err(|error| {
        format!("it can't be written as JSON ({error}); maps need keys that are texts or numbers")
    })?;
    match serde_json::from_slice::<T>(&out[start..]) {
        Ok(read) if read == *state => Ok(()),
        Ok(_) => Err("its JSON is read as something else; every field that `==` compares must be \
                      written, and a number with a fraction be no `f64`, which may lose its last digit"
            .to_owned()),
        Err(error) => Err(format!(
            "its own JSON can't be read ({error}); what serde's attributes leave out when it is \
             written needs a default"
        )),
    }
}

fn tell_once<T>(reason: &str) {
    if is_news::<T>() {
        tracing::error!(
            state = type_name::<T>(),
            reason,
            "a hand-written state has no snapshot: its streams are replayed"
        );
    }
}

/// Whether nothing was said about a type yet.
pub(crate) fn is_news<T>() -> bool {
    static TOLD: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(type_name::<T>())
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

    use serde::{Deserialize, Deserializer, Serializer};

    use super::*;
    use crate::testing::spans::{Captured, capture};

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

    /// A number that is written as nothing at all, or as another number.
    #[derive(Clone, Copy, PartialEq)]
    struct Kept<const AS_ZERO: u8>(u8);

    impl<const AS_ZERO: u8> Serialize for Kept<AS_ZERO> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match AS_ZERO {
                0 => serializer.serialize_unit(),
                _ => serializer.serialize_u8(0),
            }
        }
    }

    impl<'de, const AS_ZERO: u8> Deserialize<'de> for Kept<AS_ZERO> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            u8::deserialize(deserializer).map(Self)
        }
    }

    fn encoded<T: Serialize + DeserializeOwned + PartialEq>(state: &T) -> (Vec<u8>, Vec<Captured>) {
        capture(|| {
            let mut out = Vec::new();
            encode_custom(state, &mut out);
            encode_custom(state, &mut out);
            out
        })
    }

    /// Said at every snapshot of every stream, it filled the log; and the test of it was content with a
    /// program that never said it.
    #[test]
    fn a_state_without_a_snapshot_is_told_of_once() {
        let (out, captured) = encoded(&BTreeMap::from([((vec![1], 2), 3)]));
        assert_eq!(out, b"");
        assert_eq!(captured.len(), 1, "{captured:?}");
        assert_eq!(captured[0].level, "ERROR");
        let reason = captured[0].field("reason").unwrap_or_default();
        assert!(reason.contains("can't be written as JSON"), "{reason}");
    }

    /// Such a state was saved as a snapshot that no load could read: each warned, replayed the stream from
    /// its first event, and saved the same again, with a synced commit.
    #[test]
    fn a_state_that_cannot_be_read_back_is_not_written() {
        let (out, captured) = encoded(&Kept::<0>(1));
        assert_eq!(out, b"");
        assert_eq!(captured.len(), 1, "{captured:?}");
        let reason = captured[0].field("reason").unwrap_or_default();
        assert!(reason.contains("invalid type: null, expected u8"), "{reason}");
    }

    /// A field that was left out when the state was written came back as its default: the snapshot stood
    /// for events of which it had forgotten something.
    #[test]
    fn a_state_that_is_read_back_as_another_is_not_written() {
        let (out, captured) = encoded(&Kept::<1>(1));
        assert_eq!(out, b"");
        assert_eq!(captured.len(), 1, "{captured:?}");
        assert_eq!(encoded(&Kept::<1>(0)).0, b"00", "nothing is lost of that one");
    }
}
