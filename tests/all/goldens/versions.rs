//! Upcasts, stored names, retired events, and what is not known.

use std::sync::Arc;

use eventloom_runtime::codec::DecodeError;
use eventloom_runtime::{DomainEvent, Metadata};
use eventloom_tests::goldens::upcasts::invoice::InvoiceEvent;

use super::meta;

fn read(event_type: &str, version: u32, data: &str) -> Result<InvoiceEvent, DecodeError> {
    InvoiceEvent::read(event_type, version, data.as_bytes(), &meta(1))
}

const V1: &str = r#"{"invoiceId":"s","amount":"12.50","issuedAt":"2026-01-01T00:00:00Z"}"#;

#[test]
fn the_first_version_becomes_the_third() {
    let meta = Metadata { actor: Some(Arc::from("Ann")), ..meta(1) };
    let event = InvoiceEvent::read("InvoiceIssued", 1, V1.as_bytes(), &meta).unwrap();
    let InvoiceEvent::InvoiceIssued(issued) = event else { panic!("{event:?}") };
    assert_eq!((issued.total_cents, issued.currency.as_str()), (1250, "EUR"));
    assert_eq!(issued.issued_by, "Ann");
    assert!(issued.lines.is_empty());
    let InvoiceEvent::InvoiceIssued(issued) = read("InvoiceIssued", 1, V1).unwrap() else {
        panic!()
    };
    assert_eq!(issued.issued_by, "nobody");
}

#[test]
fn a_conversion_that_fails_is_an_error_and_no_value() {
    let data = V1.replace("12.50", "79228162514264337593543950335");
    let error = read("InvoiceIssued", 1, &data).unwrap_err();
    assert!(error.to_string().contains("arithmetic overflow"), "{error}");
}

/// An upcast once put whatever it calculated, or only carried over, into a field of limited digits: the
/// state then held a `decimal(6,2)` with three digits after the point, which no command could have made.
#[test]
fn an_upcast_to_fewer_digits_refuses_what_does_not_fit() {
    let charged = |fee: &str| format!(r#"{{"fee":"{fee}","chargedAt":"2026-01-01T00:00:00Z"}}"#);
    for (version, fee) in [(1, "1.25"), (2, "4999.99")] {
        assert!(read("FeeCharged", version, &charged(fee)).is_ok(), "{fee}");
    }
    for (version, fee) in [(1, "0.0005"), (2, "0.0005"), (1, "5000"), (2, "5000")] {
        let error = read("FeeCharged", version, &charged(fee)).unwrap_err();
        assert!(error.to_string().contains("decimal(6,2) allows"), "{fee}: {error}");
    }
}

#[test]
fn an_event_is_read_under_the_names_it_had() {
    for name in ["note-edited", "NoteWritten"] {
        for (version, field) in [(1, "text"), (2, "note")] {
            let data =
                format!(r#"{{"invoiceId":"s","{field}":"n","changedAt":"2026-01-01T00:00:00Z"}}"#);
            let event = read(name, version, &data).unwrap();
            assert_eq!((event.event_type(), event.version()), ("NoteSet", 2), "{name}");
        }
    }
    assert!(read("NoteChanged", 1, "{}").is_err(), "its name in the ontology is none in a store");
}

/// The harness asks it of every renamed event: a name that leads nowhere must turn it red.
#[test]
fn an_old_name_that_is_not_read_turns_the_harness_red() {
    use eventloom_runtime::testing::Golden;
    use eventloom_runtime::testing::harness::migration::is_read_under_old_names;
    let data = r#"{"invoiceId":"s","note":null,"changedAt":"2026-01-01T00:00:00Z"}"#;
    let golden = Golden { event_type: "NoteSet", version: 2, data };
    let check = |old: &'static str| is_read_under_old_names::<InvoiceEvent>(&[old], &[golden]);
    assert!(check("note-edited").is_ok());
    for other in ["NoteForgotten", "InvoiceCreated"] {
        assert!(check(other).is_err(), "{other}");
    }
}

#[test]
fn an_event_is_stored_under_the_name_it_says() {
    let data = r#"{"invoiceId":"s","text":"","changedAt":"2026-01-01T00:00:00Z"}"#;
    let event = read("NoteSet", 1, data).unwrap();
    assert_eq!((event.event_type(), event.version()), ("NoteSet", 2));
    assert!(matches!(&event, InvoiceEvent::NoteChanged(changed) if changed.note.is_none()));
    let mut written = Vec::new();
    event.write(&mut written);
    assert_eq!(
        String::from_utf8(written).unwrap(),
        r#"{"invoiceId":"s","note":null,"changedAt":"2026-01-01T00:00:00Z"}"#
    );
}

#[test]
fn a_retired_event_is_still_read() {
    let data = r#"{"invoiceId":"s","archivedAt":"2026-01-01T00:00:00Z"}"#;
    assert!(matches!(read("InvoiceArchived", 1, data), Ok(InvoiceEvent::InvoiceArchived(_))));
}

#[test]
fn what_a_newer_program_wrote_is_known_as_such() {
    let future = read("InvoiceIssued", 4, "{}").unwrap_err();
    assert!(matches!(future, DecodeError::UnknownVersion { version: 4, .. }), "{future}");
    let unknown = read("NoteChanged", 1, "{}").unwrap_err();
    assert!(matches!(unknown, DecodeError::UnknownType(_)), "{unknown}");
}

#[test]
fn every_version_has_its_shape_under_every_name() {
    let shapes: Vec<_> =
        InvoiceEvent::SHAPES.iter().map(|it| (it.event_type, it.version)).collect();
    assert_eq!(
        shapes,
        [
            ("InvoiceIssued", 1),
            ("InvoiceIssued", 2),
            ("InvoiceIssued", 3),
            ("InvoiceCreated", 1),
            ("InvoiceCreated", 2),
            ("InvoiceCreated", 3),
            ("NoteSet", 1),
            ("NoteSet", 2),
            ("note-edited", 1),
            ("note-edited", 2),
            ("NoteWritten", 1),
            ("NoteWritten", 2),
            ("FeeCharged", 1),
            ("FeeCharged", 2),
            ("FeeCharged", 3),
            ("InvoiceNumbered", 1),
            ("InvoiceNumbered", 2),
            ("InvoiceArchived", 1)
        ]
    );
}
