//! The refusals of an aggregate: one list of names, each once, in the model's order.
//!
//! The same name used twice is the same refusal.

use crate::model::{Refusal, RefusalRole};

/// The refusals so far.
#[derive(Default)]
pub(crate) struct Refusals {
    list: Vec<Collected>,
}

struct Collected {
    name: String,
    role: RefusalRole,
    /// Where it is used and what the condition there is.
    uses: Vec<(Option<String>, String)>,
}

impl Refusals {
    /// Notes that a refusal of this name exists; `place` is the command that uses it.
    pub(crate) fn add(&mut self, name: &str, role: RefusalRole, place: Option<&str>, text: &str) {
        let text = (place.map(str::to_owned), text.to_owned());
        match self.list.iter_mut().find(|known| known.name == name) {
            Some(known) => {
                // What the runtime uses it for matters more than that a rule names it too.
                if known.role == RefusalRole::Rule {
                    known.role = role;
                }
                if !known.uses.contains(&text) {
                    known.uses.push(text);
                }
            }
            None => self.list.push(Collected { name: name.into(), role, uses: vec![text] }),
        }
    }

    /// Notes what the runtime needs, unless a refusal is used for it already.
    pub(crate) fn ensure(&mut self, name: &str, role: &RefusalRole, text: &str) {
        if !self.list.iter().any(|known| known.role == *role) {
            self.add(name, role.clone(), None, text);
        }
    }

    /// All names, for suggestions.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|known| known.name.as_str())
    }

    /// The refusals as the model keeps them.
    pub(crate) fn to_model(&self) -> Vec<Refusal> {
        let refusal = |known: &Collected| Refusal {
            name: known.name.clone(),
            description: describe(&known.uses),
            role: known.role.clone(),
        };
        self.list.iter().map(refusal).collect()
    }
}

/// One text where all places agree, else each with its place.
fn describe(uses: &[(Option<String>, String)]) -> String {
    let first = uses.first().map_or("", |(_, text)| text.as_str());
    if uses.len() > 1 && uses.iter().all(|(_, text)| text == first) {
        return first.to_owned();
    }
    let each = uses.iter().map(|(place, text)| match place {
        Some(place) => format!("`{place}`: {text}"),
        None => text.clone(),
    });
    each.collect::<Vec<_>>().join("; ")
}
