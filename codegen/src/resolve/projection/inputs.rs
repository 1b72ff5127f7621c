//! The inputs of a query that does not declare them: each has the type of what it is compared with.

use super::Projecting;
use crate::catalogue::checks::NAMES_MEET;
use crate::catalogue::projections::INPUT_TYPE;
use crate::diagnostic::Diagnostic;
use crate::load::name_fault;
use crate::model::Type;
use crate::naming::{Kind, collapse};
use crate::resolve::assign::unknown;
use crate::resolve::expression::asked::{self, Meeting, Met};
use crate::resolve::expression::{convertible, same};
use crate::resolve::fields::{Field, Fields};
use crate::suggest::nearest;
use crate::syntax::{self, Text};

/// Inputs, in the order in which they are read.
#[derive(Default)]
pub(super) struct Inputs {
    /// Each; without a type where that is wrong.
    pub(super) fields: Fields,
    /// Whether one is wrong, which is told here or where it is read.
    pub(super) broken: bool,
}

/// The inputs that a query reads.
pub(super) fn inferred(
    this: &Projecting<'_>,
    columns: &Fields,
    query: &syntax::Query,
    findings: &mut Vec<Diagnostic>,
) -> Inputs {
    let mut met: Vec<Meeting> =
        query.condition.iter().flat_map(|it| asked::meetings(it, columns)).collect();
    met.extend(query.limit.iter().chain(&query.offset).flat_map(asked::counted));
    let inferring = Inferring { this, columns, met: &met };
    let mut inputs = Inputs::default();
    for Meeting { input, .. } in &met {
        if inputs.fields.contains(&input.value) {
            continue;
        }
        let field_type = match inferring.is_named(input, &inputs.fields, findings) {
            true => inferring.type_of(input, findings),
            false => None,
        };
        inputs.broken |= field_type.is_none();
        inputs.fields.0.push(Field {
            name: input.value.clone(),
            field_type,
            default: None,
            default_is_written: false,
            span: input.span,
        });
    }
    inputs
}

struct Inferring<'a> {
    this: &'a Projecting<'a>,
    columns: &'a Fields,
    met: &'a [Meeting],
}

impl Inferring<'_> {
    /// Whether an input can have this name, beside those before it.
    fn is_named(&self, input: &Text, before: &Fields, findings: &mut Vec<Diagnostic>) -> bool {
        if let Some(fault) = name_fault(input, Kind::Field) {
            findings.push(fault);
            return false;
        }
        let Some(first) = before.0.iter().find(|it| collapse(&it.name, &input.value)) else {
            return true;
        };
        let title =
            format!("`input.{}` and `input.{}` are one name in Rust", first.name, input.value);
        let found = Diagnostic::error(&NAMES_MEET, title, input.span, "this input");
        let found = found.place(first.span, "meets this one");
        findings.push(found.help("write both alike, or rename one of them: capitals and underscores alone don't tell names apart"));
        false
    }

    fn type_of(&self, input: &Text, findings: &mut Vec<Diagnostic>) -> Option<Type> {
        let of_input = || self.met.iter().filter(|other| other.input.value == input.value);
        let mut typed = of_input().filter_map(|it| match &it.with {
            Met::Typed(of) => Some((&it.input, of)),
            _ => None,
        });
        let Some(first) = typed.next() else {
            self.untyped(input, of_input(), findings);
            return None;
        };
        let mut exact = true;
        for other in typed {
            if !same(first.1, other.1) {
                findings.push(self.of_two_types(first, other));
                return None;
            }
            exact &= first.1 == other.1;
        }
        // Digits bind what is stored, and not what it is compared with.
        Some(if exact { first.1.clone() } else { Type::Decimal(None) })
    }

    /// An input that meets no column: where a name was misspelt, that is what is wrong.
    fn untyped<'m>(
        &self,
        input: &Text,
        met: impl Iterator<Item = &'m Meeting>,
        findings: &mut Vec<Diagnostic>,
    ) {
        let before = findings.len();
        let mut told = false;
        for Meeting { with, .. } in met {
            match with {
                Met::Broken => told = true,
                Met::Name(name) if self.is_misspelt(&name.value) => {
                    let owner = format!("`{}`", self.this.name.value);
                    findings.push(unknown(name, &owner, self.columns));
                }
                _ => {}
            }
        }
        if told || findings.len() > before {
            return;
        }
        let title = format!("the type of `input.{}` can't be told", input.value);
        let found = Diagnostic::error(&INPUT_TYPE, title, input.span, "of which type?");
        let found = found.note("it is compared with no column");
        findings.push(found.help(format!("declare it: `input: {{{}: …}}`", input.value)));
    }

    /// Whether a name was meant for a column, rather than for a constant or a variant.
    fn is_misspelt(&self, name: &str) -> bool {
        let types = &self.this.declared.types;
        let is_near = || nearest(name, self.columns.names()).is_some();
        let is_known = name == "none" || types.constants.contains_key(name);
        !is_known && (name.starts_with(|first: char| first.is_lowercase()) || is_near())
    }

    fn of_two_types(&self, first: (&Text, &Type), other: (&Text, &Type)) -> Diagnostic {
        let types = &self.this.declared.types;
        let ((input, of), (again, another)) = (first, other);
        let title = format!("`input.{}` would be of two types", input.value);
        let found = Diagnostic::error(&INPUT_TYPE, title, again.span, types.show(another))
            .place(input.span, types.show(of));
        // The one that becomes the other by itself can be compared with both.
        let declared = match (convertible(of, another), convertible(another, of)) {
            (true, _) => of,
            (_, true) => another,
            _ => return found.help("ask for two inputs, one of each type"),
        };
        let declared = types.show(declared);
        found.help(format!("declare it: `input: {{{}: {declared}}}`", input.value))
    }
}
