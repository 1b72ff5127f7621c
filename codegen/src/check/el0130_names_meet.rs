//! Two names in one place that are one name in Rust or SQL, where `accountId`, `account_id` and
//! `AccountID` can't be told apart.

use std::collections::BTreeMap;

use super::Checked;
use crate::catalogue::checks::NAMES_MEET;
use crate::diagnostic::Diagnostic;
use crate::naming::{self, Kind};
use crate::source::Span;
use crate::syntax::{
    Aggregate, Field, Map, Projection, Text, TypeDeclaration, TypeExpression, TypeKind,
};

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut names = Names { findings };
    let ontology = checked.syntax;
    names.distinct("aggregate", ontology.aggregates.iter().map(|aggregate| &aggregate.name));
    names.distinct("type", ontology.types.iter().map(|(name, _)| name));
    names.distinct("constant", ontology.constants.iter().map(|(name, _)| name));
    names.fields(&ontology.config);
    for (_, declaration) in &ontology.types {
        match declaration {
            TypeDeclaration::Enum(variants) => names.variants(variants),
            TypeDeclaration::Record(fields) => names.fields(fields),
            TypeDeclaration::Newtype(_) => {}
        }
    }
    for (aggregate, model) in checked.aggregates() {
        names.aggregate(aggregate);
        let refusals = model.iter().flat_map(|model| &model.refusals);
        let refusals: Vec<Text> = refusals
            .map(|refusal| {
                let span = place_of(aggregate, &refusal.name);
                Text { value: refusal.name.clone(), span }
            })
            .collect();
        names.distinct("refusal", refusals.iter());
    }
}

struct Names<'a> {
    findings: &'a mut Vec<Diagnostic>,
}

impl Names<'_> {
    fn aggregate(&mut self, aggregate: &Aggregate) {
        self.distinct("event", aggregate.events.iter().map(|(name, _)| name));
        self.distinct("command", aggregate.commands.iter().map(|(name, _)| name));
        self.distinct("projection", aggregate.projections.iter().map(|(name, _)| name));
        for fields in aggregate.state.iter() {
            self.fields(fields);
        }
        self.distinct("derived value", aggregate.derived.iter().map(|(name, _)| name));
        for (_, derived) in &aggregate.derived {
            self.fields(&derived.input);
        }
        for (_, event) in &aggregate.events {
            self.fields(&event.schema);
            for (_, old) in &event.history {
                self.fields(&old.schema);
            }
        }
        for (_, command) in &aggregate.commands {
            self.fields(&command.input);
        }
        for (_, projection) in &aggregate.projections {
            self.columns(projection);
            for select in projection.queries.iter().filter_map(|(_, query)| query.select.as_ref()) {
                self.distinct("field", select.iter().map(|(name, _)| name));
            }
            for input in projection.queries.iter().filter_map(|(_, query)| query.input.as_ref()) {
                self.fields(input);
            }
        }
    }

    fn fields(&mut self, fields: &Map<Field>) {
        self.distinct("field", fields.iter().map(|(name, _)| name));
        for (_, field) in fields {
            self.inline_enums(&field.field_type);
        }
    }

    fn columns(&mut self, projection: &Projection) {
        let typed = projection.columns.as_deref().unwrap_or_default();
        let aggregates = projection.aggregates.iter().flat_map(|(_, name, column)| {
            std::iter::once(name.clone()).chain(column.kept_beside(name))
        });
        let names: Vec<Text> =
            typed.iter().map(|(name, _)| name.clone()).chain(aggregates).collect();
        self.distinct("field", names.iter());
        for (_, field) in typed {
            self.inline_enums(&field.field_type);
        }
    }

    fn inline_enums(&mut self, written: &TypeExpression) {
        match &written.kind {
            TypeKind::Enum(variants) => self.variants(variants),
            TypeKind::List(inner) | TypeKind::Set(inner) | TypeKind::Optional(inner) => {
                self.inline_enums(inner);
            }
            TypeKind::Map(key, value) => {
                self.inline_enums(key);
                self.inline_enums(value);
            }
            TypeKind::Name { .. } | TypeKind::Broken => {}
        }
    }

    /// A variant that stands twice is told where the enum is resolved.
    fn variants(&mut self, variants: &[Text]) {
        let mut seen: Vec<&Text> = Vec::new();
        for variant in variants {
            if !seen.iter().any(|known| known.value == variant.value) {
                seen.push(variant);
            }
        }
        self.distinct("variant", seen.into_iter());
    }

    fn distinct<'n>(&mut self, what: &str, names: impl Iterator<Item = &'n Text>) {
        let kind = match what {
            "field" | "constant" | "derived value" => Kind::Field,
            "variant" | "refusal" => Kind::Variant,
            "aggregate" => Kind::Aggregate,
            _ => Kind::Type,
        };
        let mut seen: BTreeMap<String, &Text> = BTreeMap::new();
        // What is refused by itself will be named otherwise.
        for name in names.filter(|name| naming::fault(&name.value, kind).is_none()) {
            match seen.get(&naming::collision_key(&name.value)) {
                Some(first) => self.findings.push(meeting(what, first, name)),
                None => {
                    seen.insert(naming::collision_key(&name.value), name);
                }
            }
        }
    }
}

fn meeting(what: &str, first: &Text, second: &Text) -> Diagnostic {
    let title = if first.value == second.value {
        format!("there are two of the {what} `{}`", first.value)
    } else {
        format!("`{}` and `{}` are one name in Rust or SQL", first.value, second.value)
    };
    Diagnostic::error(&NAMES_MEET, title, second.span, format!("this {what}"))
        .place(first.span, "meets this one")
        .help("rename one of them: capitals and underscores alone don't tell names apart")
}

/// Where a refusal is named: in a command, or at the rule whose words make its name.
fn place_of(aggregate: &Aggregate, refusal: &str) -> Span {
    use crate::syntax::{Invariant, Step};
    for (_, command) in &aggregate.commands {
        let target = command.target.iter().filter_map(|target| target.refusal.as_ref());
        let steps = command.steps.iter().filter_map(|step| match step {
            Step::Reject(rejections) => Some(rejections),
            Step::NothingToDo(_) | Step::Let(_) | Step::Target(_) | Step::Unique(_) => None,
        });
        let rejections = steps.chain([&command.ensure]).flatten().map(|(name, _)| name);
        let rejections = rejections.chain(&command.refuses);
        if let Some(name) = target.chain(rejections).find(|name| name.value == refusal) {
            return name.span;
        }
    }
    let wanted = naming::collision_key(refusal);
    let rule = aggregate.invariants.iter().find_map(|invariant| match invariant {
        Invariant::Check { name, .. } => (name.value == refusal).then_some(name.span),
        Invariant::Sentence(sentence) => {
            let words: String = sentence.text.chars().filter(|c| c.is_alphanumeric()).collect();
            naming::collision_key(&words).contains(&wanted).then_some(sentence.span)
        }
    });
    rule.unwrap_or(aggregate.name.span)
}
