//! What of an expression a read database can answer: columns compared with values that are known beforehand.
//!
//! [`condition`] makes a [`Condition`] of a typed expression. Whether it can is told from the tree, where
//! each part has its place; that the two agree is what the end of [`condition`] is for.

use super::names::beneath_optional;
use super::place::Places;
use super::scope::SCOPES;
use super::tree::{Node, NodeKind, Operator};
use crate::catalogue::projections::NOT_ASKED;
use crate::diagnostic::Diagnostic;
use crate::model::{
    Arm, Comparison, Condition, Expression, ExpressionKind, Logic, Method, Operand, Pattern,
    Scope as From, TextTest, Type,
};
use crate::naming::collision_key;
use crate::resolve::fields::Fields;
use crate::resolve::projection::is_json;
use crate::source::Span;
use crate::syntax::{self, Text};

/// What can be asked.
const CAN: &str = "columns can be compared with each other and with values, asked for `is_some()` and `is_none()`, texts for `is_empty()`, `starts_with()`, `ends_with()` and `contains()`, also after `to_lowercase()`, and all that is joined with `&&`, `||` and `!`";
/// What to do about a value that can't be told beforehand.
const CALCULATE: &str = "calculate it in the program, and give it as an input";
/// The same, where an event finds rows.
const CARRY: &str =
    "let the event carry it, or keep what it is compared with in a column of its own";
/// Methods that never fail, for values that are known before the rows are.
const CERTAIN: [&str; 11] = [
    "contains",
    "date",
    "ends_with",
    "is_empty",
    "is_none",
    "is_some",
    "or",
    "starts_with",
    "to_lowercase",
    "trim",
    "unwrap_or",
];
/// What is asked of a text and another.
const TEXT_TESTS: [&str; 3] = ["contains", "ends_with", "starts_with"];

/// An input that is read, and what it meets there.
pub(crate) struct Meeting {
    /// The input.
    pub(crate) input: Text,
    /// What it is compared with.
    pub(crate) with: Met,
}

/// What an input is compared with.
pub(crate) enum Met {
    /// What has this type.
    Typed(Type),
    /// A bare name that is no column.
    Name(Text),
    /// What can't be read, which is told where it stands.
    Broken,
    /// Nothing that tells a type.
    Other,
}

/// The inputs that a condition reads, with the types of the columns that they are compared with.
pub(crate) fn meetings(written: &syntax::Expression, columns: &Fields) -> Vec<Meeting> {
    let mut met = Vec::new();
    if let Some(node) = quietly(written) {
        Tree::of_query(columns).meet(&node, &mut met);
    }
    met
}

/// The inputs that a number of rows reads.
pub(crate) fn counted(written: &syntax::Expression) -> Vec<Meeting> {
    let columns = Fields::default();
    let mut met = Vec::new();
    if let Some(node) = quietly(written) {
        Tree::of_query(&columns).meet(&node, &mut met);
    }
    met.into_iter().map(|it| Meeting { with: Met::Typed(Type::Integer), ..it }).collect()
}

/// Mistakes are told where the expression is checked.
fn quietly(written: &syntax::Expression) -> Option<Node> {
    super::parse::parse(&written.text, Places::of(written), &mut Vec::new())
}

/// Whether a value that no row is asked for can be told without failing.
pub(crate) fn is_certain(written: &syntax::Expression, findings: &mut Vec<Diagnostic>) -> bool {
    let columns = Fields::default();
    let Some(node) = quietly(written) else { return false };
    told(Tree::of_query(&columns).value(&node), findings)
}

/// The condition by which a row rule finds rows: columns are read as `row.x`, values from the event.
pub(crate) fn of_rule(
    written: &syntax::Expression,
    meaning: &Expression,
    columns: &Fields,
    findings: &mut Vec<Diagnostic>,
) -> Option<Condition> {
    let node = quietly(written)?;
    let tree = Tree { columns, bare: false, calculate: CARRY };
    translated(&tree, &node, meaning, &Fields::default(), findings)
}

/// A query's condition as it can be asked, or a finding why it can't.
pub(crate) fn condition(
    written: &syntax::Expression,
    meaning: &Expression,
    columns: &Fields,
    input: &Fields,
    findings: &mut Vec<Diagnostic>,
) -> Option<Condition> {
    let node = quietly(written)?;
    translated(&Tree::of_query(columns), &node, meaning, input, findings)
}

fn translated(
    tree: &Tree<'_>,
    node: &Node,
    meaning: &Expression,
    input: &Fields,
    findings: &mut Vec<Diagnostic>,
) -> Option<Condition> {
    if !told(tree.condition(node), findings) {
        return None;
    }
    let found = Translation { input, locals: Vec::new() }.condition(meaning);
    if found.is_none() {
        told(Err(Refused::unknown(node)), findings);
    }
    found
}

fn told(found: Result<(), Refused>, findings: &mut Vec<Diagnostic>) -> bool {
    let Err(refused) = found else { return true };
    let found = Diagnostic::error(&NOT_ASKED, refused.title, refused.span, refused.label);
    findings.push(refused.help.into_iter().fold(found, Diagnostic::help));
    false
}

/// What can't be asked.
struct Refused {
    span: Span,
    title: String,
    label: &'static str,
    help: Vec<&'static str>,
}

impl Refused {
    fn unknown(node: &Node) -> Self {
        let title = match &node.kind {
            NodeKind::Method(_, method, _) => {
                format!("a read database can't be asked for `{}()`", method.value)
            }
            NodeKind::Binary(Operator::Arithmetic(_), ..) | NodeKind::Negate(_) => {
                "a read database does not calculate with columns".to_owned()
            }
            NodeKind::If(..) | NodeKind::Match(..) | NodeKind::Let(..) => {
                "a read database can't be asked to choose".to_owned()
            }
            _ => "a read database can't be asked for this".to_owned(),
        };
        Self { span: node.span, title, label: "reads a column", help: vec![CAN] }
    }

    fn json(span: Span) -> Self {
        let title = "a read database can't look into what is kept as JSON".to_owned();
        let help = vec!["give what is to be compared a column of its own", CAN];
        Self { span, title, label: "kept as JSON", help }
    }

    fn uncertain(span: Span, help: &'static str) -> Self {
        let title = "rows are found by values that are known, and not calculated".to_owned();
        Self { span, title, label: "must be known beforehand", help: vec![help] }
    }
}

/// What the tree says, by its places.
struct Tree<'a> {
    columns: &'a Fields,
    /// Whether a bare name is a column's.
    bare: bool,
    /// What to do about a value that can't be told beforehand.
    calculate: &'static str,
}

impl<'a> Tree<'a> {
    fn of_query(columns: &'a Fields) -> Self {
        Self { columns, bare: true, calculate: CALCULATE }
    }

    /// The column that a part reads as it is.
    fn column<'n>(&self, node: &'n Node) -> Option<&'n str> {
        match &node.kind {
            NodeKind::Name(name) if self.bare && self.columns.contains(name) => Some(name),
            NodeKind::Member(base, field) => {
                let of_row = matches!(&base.kind, NodeKind::Name(name) if name == "row");
                of_row.then_some(field.value.as_str())
            }
            _ => None,
        }
    }

    /// The input that a part reads as it is.
    fn input(&self, node: &Node) -> Option<Text> {
        let NodeKind::Member(base, field) = &node.kind else { return None };
        let of_input = matches!(&base.kind, NodeKind::Name(name) if name == "input");
        of_input.then(|| field.clone())
    }

    fn reads_column(&self, node: &Node) -> bool {
        if is_scoped(node) {
            return self.column(node).is_some();
        }
        self.column(node).is_some() || node.parts().into_iter().any(|it| self.reads_column(it))
    }

    /// Whether it reads a field of a column.
    fn looks_into_json(&self, node: &Node) -> bool {
        let NodeKind::Member(base, _) = &node.kind else { return false };
        !is_scoped(node) && (self.column(base).is_some() || self.looks_into_json(base))
    }

    fn meet(&self, node: &Node, met: &mut Vec<Meeting>) {
        if let NodeKind::Binary(Operator::Compare(_), _, left, right) = &node.kind {
            for (one, other) in [(left, right), (right, left)] {
                if let Some(input) = self.input(one) {
                    met.push(Meeting { input, with: self.met(other) });
                }
            }
        }
        if let NodeKind::Method(receiver, method, arguments) = &node.kind
            && TEXT_TESTS.contains(&method.value.as_str())
            && self.is_text(receiver)
            && let Some(input) = arguments.first().and_then(|argument| self.input(argument))
        {
            met.push(Meeting { input, with: Met::Typed(Type::String) });
        }
        if let Some(input) = self.input(node) {
            met.push(Meeting { input, with: Met::Other });
        }
        let before = met.len();
        node.parts().into_iter().for_each(|part| self.meet(part, met));
        if matches!(node.kind, NodeKind::Let(..) | NodeKind::Match(..) | NodeKind::Closure(..)) {
            // A name may be what is named there.
            let names = met[before..].iter_mut().filter(|it| matches!(it.with, Met::Name(_)));
            names.for_each(|it| it.with = Met::Other);
        }
    }

    /// Whether it is a column of texts, perhaps in small letters.
    fn is_text(&self, node: &Node) -> bool {
        let of = self.column(lowercased(node).unwrap_or(node));
        let of = of.and_then(|column| self.columns.get(column)?.field_type.as_ref());
        of.is_some_and(|of| match beneath_optional(of) {
            Type::Newtype(_, base) => **base == Type::String,
            of => *of == Type::String,
        })
    }

    fn met(&self, node: &Node) -> Met {
        if lowercased(node).is_some_and(|of| self.column(of).is_some()) {
            return Met::Typed(Type::String);
        }
        let Some(column) = self.column(node) else {
            let NodeKind::Name(name) = &node.kind else { return Met::Other };
            return Met::Name(Text { value: name.clone(), span: node.span });
        };
        let of = self.columns.get(column).and_then(|it| it.field_type.as_ref());
        of.map_or(Met::Broken, |of| Met::Typed(beneath_optional(of).clone()))
    }

    fn condition(&self, node: &Node) -> Result<(), Refused> {
        if !self.reads_column(node) {
            return self.value(node);
        }
        match &node.kind {
            NodeKind::Binary(Operator::Logic(_), _, left, right) => {
                self.condition(left)?;
                self.condition(right)
            }
            NodeKind::Binary(Operator::Compare(_), _, left, right) => {
                self.operand(left)?;
                self.operand(right)
            }
            NodeKind::Not(inner) => self.condition(inner),
            NodeKind::Method(receiver, method, arguments)
                if matches!(method.value.as_str(), "is_some" | "is_none")
                    && arguments.is_empty()
                    && self.column(receiver).is_some() =>
            {
                Ok(())
            }
            NodeKind::Method(receiver, method, arguments)
                if method.value == "is_empty" && arguments.is_empty() =>
            {
                self.operand(receiver)
            }
            NodeKind::Method(receiver, method, arguments)
                if TEXT_TESTS.contains(&method.value.as_str()) =>
            {
                self.operand(receiver)?;
                arguments.iter().try_for_each(|argument| self.operand(argument))
            }
            _ if self.column(node).is_some() => Ok(()),
            _ => Err(Refused::unknown(node)),
        }
    }

    fn operand(&self, node: &Node) -> Result<(), Refused> {
        match self.column(lowercased(node).unwrap_or(node)) {
            Some(column) => {
                let of = self.columns.get(column).and_then(|column| column.field_type.as_ref());
                if of.is_some_and(is_json) { Err(Refused::json(node.span)) } else { Ok(()) }
            }
            None if self.looks_into_json(node) => Err(Refused::json(node.span)),
            None if self.reads_column(node) => Err(Refused::unknown(node)),
            None => self.value(node),
        }
    }

    /// A value that is known before the rows are.
    fn value(&self, node: &Node) -> Result<(), Refused> {
        let certain = match &node.kind {
            NodeKind::String(..)
            | NodeKind::Integer(_)
            | NodeKind::Decimal(_)
            | NodeKind::Duration(_)
            | NodeKind::Boolean(_)
            | NodeKind::Name(_)
            | NodeKind::Variant(..)
            | NodeKind::Member(..)
            | NodeKind::Not(_)
            | NodeKind::Binary(Operator::Logic(_) | Operator::Compare(_), ..) => true,
            NodeKind::Negate(inner) => {
                matches!(inner.kind, NodeKind::Integer(_) | NodeKind::Decimal(_))
            }
            NodeKind::Method(_, method, _) => CERTAIN.contains(&method.value.as_str()),
            _ => false,
        };
        if !certain {
            return Err(Refused::uncertain(node.span, self.calculate));
        }
        node.parts().into_iter().try_for_each(|part| self.value(part))
    }
}

/// What `to_lowercase()` is asked of.
fn lowercased(node: &Node) -> Option<&Node> {
    match &node.kind {
        NodeKind::Method(receiver, method, _) if method.value == "to_lowercase" => Some(receiver),
        _ => None,
    }
}

/// Whether it is `input.x` or its like, which is read as a whole: a column may be named `input`.
fn is_scoped(node: &Node) -> bool {
    let NodeKind::Member(base, _) = &node.kind else { return false };
    matches!(&base.kind, NodeKind::Name(name) if SCOPES.iter().any(|(scope, _)| scope == name))
}

/// From the typed expression to the condition.
struct Translation<'a> {
    input: &'a Fields,
    /// The locals for columns that are known to be there.
    locals: Vec<(String, String)>,
}

impl Translation<'_> {
    fn condition(&mut self, meaning: &Expression) -> Option<Condition> {
        if !self.reads_row(meaning) {
            return Some(Condition::Given(meaning.clone()));
        }
        match &meaning.kind {
            ExpressionKind::Logic(logic, left, right) => {
                let parts = vec![self.condition(left)?, self.condition(right)?];
                Some(joined(*logic, parts))
            }
            ExpressionKind::Not(inner) => {
                self.condition(inner).map(|inner| Condition::Not(Box::new(inner)))
            }
            ExpressionKind::Compare(comparison, left, right) => {
                self.comparison(*comparison, left, right)
            }
            ExpressionKind::Call(method @ (Method::IsSome | Method::IsNone), receiver, _) => {
                let absent = Condition::Absent(self.column(receiver)?);
                Some(match method {
                    Method::IsNone => absent,
                    _ => Condition::Not(Box::new(absent)),
                })
            }
            ExpressionKind::Call(Method::StringIsEmpty, text, _) => {
                let kind = ExpressionKind::String(String::new());
                let nothing = Operand::Value(Expression { kind, result: Type::String });
                Some(Condition::Compare(self.operand(text)?, Comparison::Equal, nothing))
            }
            ExpressionKind::Call(method, text, arguments) => {
                let ([other], Some(test)) = (arguments.as_slice(), text_test(*method)) else {
                    return None;
                };
                Some(Condition::Text(self.operand(text)?, test, self.operand(other)?))
            }
            ExpressionKind::Match(subject, arms) => self.present(subject, arms),
            _ => {
                let column = Operand::Column(self.column(meaning)?);
                let truth = ExpressionKind::Boolean(true);
                let truth = Operand::Value(Expression { kind: truth, result: Type::Boolean });
                Some(Condition::Compare(column, Comparison::Equal, truth))
            }
        }
    }

    fn comparison(
        &self,
        comparison: Comparison,
        left: &Expression,
        right: &Expression,
    ) -> Option<Condition> {
        let none = |side: &Expression| side.kind == ExpressionKind::None;
        let absent = match (none(left), none(right)) {
            (true, _) => self.column(right).map(Condition::Absent),
            (_, true) => self.column(left).map(Condition::Absent),
            _ => None,
        };
        match (absent, comparison) {
            (Some(absent), Comparison::Equal) => Some(absent),
            (Some(absent), Comparison::NotEqual) => Some(Condition::Not(Box::new(absent))),
            _ => Some(Condition::Compare(self.operand(left)?, comparison, self.operand(right)?)),
        }
    }

    fn operand(&self, side: &Expression) -> Option<Operand> {
        if !self.reads_row(side) {
            return Some(Operand::Value(side.clone()));
        }
        match &side.kind {
            ExpressionKind::Some(inner) => self.operand(inner),
            ExpressionKind::Widen(inner) => self.column(inner).map(Operand::Widened),
            ExpressionKind::Call(Method::StringToLowercase, inner, _) => {
                self.column(inner).map(Operand::Lowercase)
            }
            _ => self.column(side).map(Operand::Column),
        }
    }

    /// The column that is read, as it is or as a value of another type.
    fn column(&self, read: &Expression) -> Option<String> {
        match &read.kind {
            ExpressionKind::Read(From::Row, column) => Some(column.clone()),
            ExpressionKind::Local(name) => {
                let local = self.locals.iter().rev().find(|(local, _)| local == name);
                local.map(|(_, column)| column.clone())
            }
            ExpressionKind::Plain(inner) | ExpressionKind::Wrap(inner) => self.column(inner),
            _ => None,
        }
    }

    /// `match x { Some(local) => then, None => otherwise }`: what is known to be there.
    fn present(&mut self, subject: &Expression, arms: &[Arm]) -> Option<Condition> {
        let [some, none] = arms else { return None };
        let ([Pattern::Some(local)], ExpressionKind::Boolean(otherwise)) =
            (some.patterns.as_slice(), &none.body.kind)
        else {
            return None;
        };
        let Some(column) = self.column(subject) else {
            // In Rust the local must hide no other input.
            let meets = |name: &&str| collision_key(name) == collision_key(local);
            let other = |name: &&str| !subject.reads(From::Input, name);
            if self.input.names().filter(meets).any(|name| other(&name)) {
                return None;
            }
            let then = Box::new(self.condition(&some.body)?);
            let (optional, local) = (subject.clone(), local.clone());
            return Some(Condition::Present { optional, local, then, otherwise: *otherwise });
        };
        self.locals.push((local.clone(), column.clone()));
        let then = self.condition(&some.body);
        self.locals.pop();
        let absent = Condition::Absent(column);
        Some(match otherwise {
            true => joined(Logic::Or, vec![absent, then?]),
            false => joined(Logic::And, vec![Condition::Not(Box::new(absent)), then?]),
        })
    }

    fn reads_row(&self, part: &Expression) -> bool {
        part.any(&|part| match &part.kind {
            ExpressionKind::Read(From::Row, _) => true,
            ExpressionKind::Local(name) => self.locals.iter().any(|(local, _)| local == name),
            _ => false,
        })
    }
}

fn text_test(method: Method) -> Option<TextTest> {
    match method {
        Method::StringStartsWith => Some(TextTest::StartsWith),
        Method::StringEndsWith => Some(TextTest::EndsWith),
        Method::StringContains => Some(TextTest::Contains),
        _ => None,
    }
}

/// Conditions that are joined by the same word stand in one list, each once.
fn joined(logic: Logic, parts: Vec<Condition>) -> Condition {
    let parts = parts.into_iter().flat_map(|part| match (logic, part) {
        (Logic::And, Condition::All(parts)) | (Logic::Or, Condition::Any(parts)) => parts,
        (_, part) => vec![part],
    });
    let mut kept: Vec<Condition> = Vec::new();
    for part in parts {
        kept.retain(|other| !says_again(logic, &part, other));
        if !kept.contains(&part) {
            kept.push(part);
        }
    }
    match logic {
        Logic::And => Condition::All(kept),
        Logic::Or => Condition::Any(kept),
    }
}

/// Whether a condition on what an optional holds says by itself what another asked of it before.
fn says_again(logic: Logic, part: &Condition, other: &Condition) -> bool {
    let (Condition::Present { optional, otherwise, .. }, Condition::Given(given)) = (part, other)
    else {
        return false;
    };
    let (asked, outcome) = match logic {
        Logic::And => (Method::IsSome, false),
        Logic::Or => (Method::IsNone, true),
    };
    let of_it = |given: &ExpressionKind| matches!(given, ExpressionKind::Call(method, of, _) if *method == asked && **of == *optional);
    *otherwise == outcome && of_it(&given.kind)
}
