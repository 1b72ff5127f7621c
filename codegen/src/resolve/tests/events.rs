//! Events: versions, upcasts, times and folds.

use super::{aggregate, assigned, titles};
use crate::model::Event;

/// The events of an aggregate with this state and these events.
fn events(state: &str, events: &str) -> Vec<Event> {
    aggregate(&yaml(state, events)).events
}

fn yaml(state: &str, events: &str) -> String {
    format!("aggregateRoot: Shop\n{state}events:\n{events}eventStore: {{partitionKey: shopId}}\n")
}

#[test]
fn an_upcast_carries_over_what_it_does_not_name() {
    let events = events(
        "",
        "  Sold:
    version: v3
    schema: {sku: string, price: decimal, size: integer?, note: string = \"none\"}
    history:
      v1: {schema: {item: string, price: integer}, upcast: {sku: item}}
      v2: {schema: {sku: string, price: integer}, upcast: {size: sku.len()}}
",
    );
    let [first, second] = events[0].history.as_slice() else { panic!("two earlier versions") };
    assert_eq!(assigned(&first.upcast), "sku=event.item price=event.price");
    assert_eq!(
        assigned(&second.upcast),
        "sku=event.sku price=(widen event.price) size=(some (StringLen event.sku)) note=\"none\""
    );
}

#[test]
fn the_history_may_stand_in_any_order() {
    let events = events(
        "",
        "  Sold:
    version: v3
    schema: {a: integer, b: integer, c: integer}
    history:
      v2: {schema: {a: integer, b: integer}, upcast: {c: a + b}}
      v1: {schema: {a: integer}, upcast: {b: a}}
",
    );
    let versions: Vec<u32> = events[0].history.iter().map(|old| old.version).collect();
    assert_eq!(versions, [1, 2]);
    assert_eq!(
        assigned(&events[0].history[1].upcast),
        "a=event.a b=event.b c=(Add event.a event.b)"
    );
}

#[test]
fn an_event_happens_at_its_one_timestamp() {
    let events = events(
        "",
        "  A: {version: v1, schema: {at: timestamp, due: timestamp?}}
  B: {version: v1, schema: {from: timestamp, until: timestamp}, occurredAt: until}
  C: {version: v1, schema: {from: timestamp, until: timestamp}, occurredAt: recorded}
  D: {version: v1, schema: {name: string}, storedAs: Dee}
",
    );
    let times: Vec<Option<&str>> =
        events.iter().map(|event| event.occurred_at.as_deref()).collect();
    assert_eq!(times, [Some("at"), Some("until"), None, None]);
    assert_eq!(events[3].stored_as, "Dee");
}

#[test]
fn a_fold_reads_the_event_and_the_state_before_it() {
    let events = events(
        "state: {name: string, price: decimal?, size: integer, seen: timestamp?}\n",
        "  A: {version: v1, schema: {name: string, price: integer}, apply: {..: event, size: size + 1}}
  B: {version: v1, schema: {shopId: string}, apply: {name: shopId, seen: meta.at}}
  C: {version: v1, schema: {}, apply: {name: shopId}}
  D: {version: v1, schema: {}, apply: {}}
",
    );
    let folds: Vec<String> =
        events.iter().map(|event| assigned(event.apply.as_ref().expect("declared"))).collect();
    assert_eq!(
        folds,
        [
            "size=(Add state.size 1) name=event.name price=(some (widen event.price))",
            "name=event.shopId seen=(some meta.At)",
            "name=stream",
            "",
        ]
    );
}

#[test]
fn every_mistake_is_told_in_one_build() {
    let found = titles(&yaml(
        "state: {name: string, size: integer}\n",
        "  A: {version: v1, schema: {name: strng}, apply: {name: event.name, size: siez}}
  B: {version: v2, schema: {a: string}, apply: {size: B}, history: {v1: {schema: {}}}}
",
    ));
    assert_eq!(
        found,
        [
            "there is no type `strng`",
            "nothing here is named `siez`",
            "`B` v1 does not say what `a` becomes in v2",
            "nothing here is named `B`",
        ],
        "what depends on the broken type is not reported again"
    );
}
