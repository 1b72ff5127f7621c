//! Two scenarios of an aggregate whose sentences can't be told apart as names of tests.

use std::collections::BTreeMap;

use super::Checked;
use crate::catalogue::checks::SCENARIO_NAMES;
use crate::diagnostic::Diagnostic;
use crate::syntax::Text;

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for aggregate in &checked.syntax.aggregates {
        let mut seen: BTreeMap<String, &Text> = BTreeMap::new();
        for (name, _) in &aggregate.scenarios {
            let letters: String = name.value.chars().filter(char::is_ascii_alphanumeric).collect();
            if letters.is_empty() {
                let title = format!("the sentence `{}` makes no name for a test", name.value);
                let found = Diagnostic::error(&SCENARIO_NAMES, title, name.span, "no letters");
                findings.push(found.help("say what happens, in words with letters from A to Z"));
                continue;
            }
            match seen.get(&letters.to_ascii_lowercase()) {
                Some(first) => findings.push(
                    Diagnostic::error(
                        &SCENARIO_NAMES,
                        format!("`{}` and `{}` are one test", first.value, name.value),
                        name.span,
                        "this sentence",
                    )
                    .place(first.span, "meets this one")
                    .help("say how they differ, in words"),
                ),
                None => {
                    seen.insert(letters.to_ascii_lowercase(), name);
                }
            }
        }
    }
}
