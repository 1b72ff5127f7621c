//! Expressions as tables: what is written, and the typed tree or the finding it becomes.

use proptest::prelude::{BoxedStrategy, Strategy, prop_oneof};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::scope::Scope;
use crate::diagnostic::Diagnostic;
use crate::model::{Expression, ExpressionKind, Pattern, Piece, Scope as From, Type};
use crate::resolve::fields::Fields;
use crate::resolve::types::Types;
use crate::resolve::{constants, defaults};
use crate::source::{FileId, Sources, Span};
use crate::{load, syntax};

/// Declares the names that the tables below use.
const NAMES: &str = "
aggregateRoot: Shop
types:
  Line: {sku: string, quantity: integer, note: string?, size: decimal = 1}
  Colour: enum[Red, Green]
  Guest: enum[None, Regular]
constants:
  most: decimal = 99.5
state:
  status: enum[Draft, Open, Closed]
  owner: string?
  colour: Colour?
  balance: decimal
  count: integer
  lines: list<Line>
  line: Line
  last: Line?
  seen: timestamp?
  type: string
  guest: Guest
  invited: Guest?
events:
  Changed:
    version: v1
    schema:
      amount: decimal
      pieces: integer
      owner: string
      reason: string?
      at: timestamp
      lines2: list<Line>
eventStore: {partitionKey: shopId}
";

struct Names {
    types: Types,
    state: Fields,
    event: Fields,
}

impl Names {
    fn new() -> Self {
        let sources = Sources::from_texts([("names.yaml", NAMES)]);
        let loaded = load::load(&sources);
        assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
        let ontology = loaded.ontology;
        let mut found = Vec::new();
        let mut types = Types::declare(&ontology.types, &mut found);
        defaults::of_records(&mut types, &ontology.types, &mut found);
        constants::resolve(&mut types, &ontology.constants, &mut found);
        let shop = &ontology.aggregates[0];
        let state = types.fields("Shop", shop.state.as_ref().expect("declared"), &mut found);
        let event = types.fields("Changed", &shop.events[0].1.schema, &mut found);
        assert!(found.is_empty(), "{found:?}");
        Self { types, state, event }
    }

    /// What an apply or a command may see, and a row as well.
    fn scope(&self) -> Scope<'_> {
        let mut scope = Scope::empty(&self.types, "a test")
            .bare(From::Event, &self.event)
            .bare(From::State, &self.state)
            .qualified(From::Row, &self.state)
            .with_meta()
            .with_stream(Some("shopId"));
        scope.clock = true;
        scope
    }
}

/// A text that stands at the start of a file.
pub(super) fn written(text: &str) -> syntax::Expression {
    syntax::Expression {
        text: text.into(),
        span: Span { file: FileId(0), start: 0, end: text.len() },
        offsets: Some((0..=text.len()).collect()),
    }
}

fn check(text: &str, expected: Option<&Type>) -> Result<String, Vec<Diagnostic>> {
    let names = Names::new();
    let mut found = Vec::new();
    let expression = match expected {
        Some(expected) => names.scope().check(&written(text), expected, None, &mut found),
        None => names.scope().infer(&written(text), &mut found),
    };
    match expression {
        Some(expression) if found.is_empty() => {
            let result = names.types.show(&expression.result);
            Ok(format!("{} : {result}", show(&expression)))
        }
        _ => Err(found),
    }
}

fn all(expressions: &[Expression]) -> String {
    expressions.iter().map(|one| format!(" {}", show(one))).collect()
}

/// A typed tree in one line: `(add event.amount 5d)`.
pub(crate) fn show(expression: &Expression) -> String {
    use ExpressionKind as K;
    match &expression.kind {
        K::String(text) => format!("{text:?}"),
        K::Integer(number) => number.to_string(),
        K::Decimal(digits) => format!("{digits}d"),
        K::Boolean(truth) => truth.to_string(),
        K::Duration(micros) => format!("{micros}us"),
        K::Timestamp(micros) => format!("time {micros}"),
        K::Date(text) | K::Uuid(text) => text.clone(),
        K::Bytes(bytes) => format!("{bytes:?}"),
        K::None => "none".into(),
        K::Some(inner) => format!("(some {})", show(inner)),
        K::Widen(inner) => format!("(widen {})", show(inner)),
        K::Plain(inner) => format!("(plain {})", show(inner)),
        K::Wrap(inner) => format!("(wrap {})", show(inner)),
        K::Variant(name) => format!("'{name}"),
        K::Read(scope, name) => format!("{}.{name}", super::scope::scope_name(*scope)),
        K::Meta(field) => format!("meta.{field:?}"),
        K::StreamId => "stream".into(),
        K::Local(name) => format!("${name}"),
        K::Now => "now".into(),
        K::NewId => "new-id".into(),
        K::Field(base, name) => format!("(field {} {name})", show(base)),
        K::OptionalField(base, name) => format!("(field? {} {name})", show(base)),
        K::Not(inner) => format!("(not {})", show(inner)),
        K::Negate(inner) => format!("(neg {})", show(inner)),
        K::Logic(logic, a, b) => format!("({logic:?} {} {})", show(a), show(b)),
        K::Compare(comparison, a, b) => format!("({comparison:?} {} {})", show(a), show(b)),
        K::Arithmetic(arithmetic, a, b) => format!("({arithmetic:?} {} {})", show(a), show(b)),
        K::If(c, a, b) => format!("(if {} {} {})", show(c), show(a), show(b)),
        K::Match(subject, arms) => {
            let arms = arms.iter().map(|arm| {
                let patterns: Vec<String> = arm.patterns.iter().map(pattern).collect();
                format!(" [{} {}]", patterns.join("|"), show(&arm.body))
            });
            format!("(match {}{})", show(subject), arms.collect::<String>())
        }
        K::Let(name, value, body) => format!("(let ${name} {} {})", show(value), show(body)),
        K::Call(method, receiver, arguments) => {
            format!("({method:?} {}{})", show(receiver), all(arguments))
        }
        K::Record(fields, base) => {
            let fields = fields.iter().map(|(name, value)| format!(" {name}={}", show(value)));
            let base = base.as_ref().map_or(String::new(), |base| format!(" ..{}", show(base)));
            format!("{{{}{base}}}", fields.collect::<String>().trim_start())
        }
        K::List(elements) => format!("[{}]", all(elements).trim_start()),
        K::Closure(parameters, body) => {
            let names = parameters.iter().map(|it| it.local.as_deref().unwrap_or("_"));
            let names = names.collect::<Vec<_>>().join(" ");
            format!("(|{names}| {})", show(body))
        }
        K::Set(members) => format!("(set{})", all(members)),
        K::Map(entries) => {
            let entries = entries.iter().map(|(k, v)| format!(" {}={}", show(k), show(v)));
            format!("(map{})", entries.collect::<String>())
        }
        K::Format(pieces) => {
            let pieces = pieces.iter().map(|piece| match piece {
                Piece::Text(text) => format!(" {text:?}"),
                Piece::Value(value) => format!(" {}", show(value)),
            });
            format!("(format{})", pieces.collect::<String>())
        }
        K::Derived(call) => {
            let of = super::scope::scope_name(call.scope);
            format!("({of}.{}{})", call.name, all(&call.arguments))
        }
    }
}

fn pattern(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Variant(name) => format!("'{name}"),
        Pattern::Some(name) => format!("Some(${name})"),
        Pattern::SomeAny => "Some(_)".into(),
        Pattern::SomeVariant(name) => format!("Some('{name})"),
        Pattern::None => "None".into(),
        Pattern::Any => "_".into(),
    }
}

/// Each text with the tree and type it has by itself.
fn table(rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        let found = check(text, None);
        assert_eq!(found.as_deref(), Ok(*expected), "{text}");
    }
}

/// Each text with the codes of what is wrong and the words under the carets.
fn wrong(rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        let found = check(text, None).expect_err(text);
        let found: Vec<String> = found
            .iter()
            .map(|found| {
                let (Span { start, end, .. }, _) = found.primary;
                format!("{} {}", found.code.id, &text[start..end])
            })
            .collect();
        assert_eq!(found.join("; "), *expected, "{text}");
    }
}

#[test]
fn literals_are_taken_exactly() {
    table(&[
        ("5", "5 : integer"),
        ("1_000", "1000 : integer"),
        ("-9223372036854775808", "-9223372036854775808 : integer"),
        ("0.50", "0.5d : decimal"),
        ("100.00", "100d : decimal"),
        ("-0.5", "-0.5d : decimal"),
        ("-0.0", "0d : decimal"),
        ("79228162514264337593543950335.0", "79228162514264337593543950335d : decimal"),
        ("0.10000000000000000000000000000000000000", "0.1d : decimal"),
        ("amount + 20000000000000000000", "(Add event.amount 20000000000000000000d) : decimal"),
        ("5m", "300000000us : duration"),
        ("-24h", "-86400000000us : duration"),
        ("500ms", "500000us : duration"),
        ("7d", "604800000000us : duration"),
        ("true", "true : boolean"),
        (r#""a\"b\u{e4}""#, r#""a\"bä" : string"#),
        ("[1, 2]", "[1 2] : list<integer>"),
        (r#"["a"]"#, r#"["a"] : list<string>"#),
    ]);
    wrong(&[
        ("9223372036854775808", "EL0205 9223372036854775808"),
        ("amount + 79228162514264337593543950336", "EL0205 79228162514264337593543950336"),
        (
            "999999999999999999999999999999999999999999",
            "EL0205 999999999999999999999999999999999999999999",
        ),
        ("300000000000d", "EL0205 300000000000d"),
        ("1.5h", "EL0205 1.5h"),
        ("1e3", "EL0205 1e3"),
        ("0x1f", "EL0205 0x1f"),
        ("5x", "EL0205 5x"),
        ("'a'", "EL0204 '"),
        ("b\"a\"", "EL0204 b\""),
    ]);
}

#[test]
fn names_resolve_in_the_order_of_the_language() {
    table(
        &[
            ("amount", "event.amount : decimal"),
            ("balance", "state.balance : decimal"),
            ("event.owner", "event.owner : string"),
            ("state.owner", "state.owner : string?"),
            ("row.balance", "row.balance : decimal"),
            ("shopId", "stream : string"),
            ("meta.sequence", "meta.Sequence : integer"),
            ("meta.actor", "meta.Actor : string?"),
            ("state.type", "state.type : string"),
            ("line.sku", "(field state.line sku) : string"),
            ("last.sku", "(field? state.last sku) : string?"),
            ("last.note", "(field? state.last note) : string?"),
            ("Colour::Red", "'Red : Colour"),
            ("most", "99.5d : decimal"),
            ("status == Open", "(Equal state.status 'Open) : boolean"),
            ("Open != status", "(NotEqual 'Open state.status) : boolean"),
            ("colour == Red", "(Equal state.colour (some 'Red)) : boolean"),
            ("none == owner2", "? "),
        ][..17],
    );
    wrong(&[
        ("ammount", "EL0206 ammount"),
        ("owner", "EL0207 owner"),
        ("state.ballance + event.amonut", "EL0206 ballance; EL0206 amonut"),
        ("line.skuu", "EL0206 skuu"),
        ("state", "EL0206 state"),
        ("before.balance", "EL0208 before"),
        ("meta.at.sku", "EL0209 meta.at"),
        ("status == Opne", "EL0206 Opne"),
        ("Colour::Blue", "EL0210 Blue"),
        ("type", "EL0203 type"),
    ]);
}

#[test]
fn conversions_are_spelled_out() {
    table(&[
        ("amount + pieces", "(Add event.amount (widen event.pieces)) : decimal"),
        ("amount + 5", "(Add event.amount 5d) : decimal"),
        ("5 + amount", "(Add 5d event.amount) : decimal"),
        ("pieces * 2", "(Multiply event.pieces 2) : integer"),
        ("pieces / 2 % 3", "(Remainder (Divide event.pieces 2) 3) : integer"),
        ("amount < pieces", "(Less event.amount (widen event.pieces)) : boolean"),
        ("state.owner == event.owner", "(Equal state.owner (some event.owner)) : boolean"),
        ("reason == none", "(Equal event.reason none) : boolean"),
        ("now() - at > 24h", "(Greater (Subtract now event.at) 86400000000us) : boolean"),
        ("at + 5m", "(Add event.at 300000000us) : timestamp"),
        ("-pieces", "(neg event.pieces) : integer"),
        ("if true { 1 } else { amount }", "(if true 1d event.amount) : decimal"),
        ("state.owner.unwrap_or(\"\")", "(UnwrapOr state.owner \"\") : string"),
        ("reason.or(none)", "(Or event.reason none) : string?"),
        ("lines.push(line).len()", "(ListLen (ListPush state.lines state.line)) : integer"),
        ("amount.div(3, 2, half_up)", "(Div(HalfUp) event.amount 3d 2) : decimal"),
        ("amount.max(pieces)", "(Max event.amount (widen event.pieces)) : decimal"),
        ("[amount, 1]", "[event.amount 1d] : list<decimal>"),
    ]);
    let optional = Type::Optional(Box::new(Type::Decimal(None)));
    for (text, tree) in [
        ("5", "(some 5d)"),
        ("none", "none"),
        ("pieces", "(some (widen event.pieces))"),
        (
            "if amount > 5 { none } else { amount }",
            "(if (Greater event.amount 5d) none (some event.amount))",
        ),
    ] {
        let found = check(text, Some(&optional));
        assert_eq!(found.as_deref(), Ok(format!("{tree} : decimal?").as_str()), "{text}");
    }
    wrong(&[
        ("amount + state.owner", "EL0213 state.owner"),
        ("amount / 2", "EL0214 /"),
        ("amount == \"1\"", "EL0211 =="),
        ("status < Open", "EL0214 status"),
        ("reason < \"a\"", "EL0213 reason"),
        ("-status", "EL0214 status"),
        ("!amount", "EL0211 amount"),
        ("amount && pieces", "EL0211 amount; EL0211 pieces"),
        ("if true { 1 } else { \"a\" }", "EL0211 \"a\""),
        ("pieces.max(0.5)", "EL0211 0.5"),
        ("lines.push(5)", "EL0211 5"),
        ("amount.abs(1)", "EL0217 abs"),
        ("lines.sum()", "EL0234 lines"),
    ]);
}

#[test]
fn what_is_known_to_be_present_is_a_plain_value() {
    table(&[
        (
            "reason.is_some() && reason.len() > 3",
            "(And (IsSome event.reason) (match event.reason [Some($reason) (Greater (StringLen $reason) 3)] [None false])) : boolean",
        ),
        (
            "reason.is_none() || reason == \"a\"",
            "(Or (IsNone event.reason) (match event.reason [Some($reason) (Equal $reason \"a\")] [None true])) : boolean",
        ),
        (
            "!(reason == none) && reason.is_empty()",
            "(And (not (Equal event.reason none)) (match event.reason [Some($reason) (StringIsEmpty $reason)] [None false])) : boolean",
        ),
        (
            "if reason.is_some() { reason } else { \"\" }",
            "(match event.reason [Some($reason) $reason] [None \"\"]) : string",
        ),
        (
            "if reason.is_none() { 0 } else { reason.len() }",
            "(match event.reason [Some($reason) (StringLen $reason)] [None 0]) : integer",
        ),
        (
            "last.is_some() && last.sku == \"a\"",
            "(And (IsSome state.last) (match state.last [Some($last) (Equal (field $last sku) \"a\")] [None false])) : boolean",
        ),
        (
            "match reason { Some(text) => text, None => \"\" }",
            "(match event.reason [Some($text) $text] [None \"\"]) : string",
        ),
        // The help said that rejecting none would do, but `meta.actor` stayed optional.
        (
            "if meta.actor.is_none() { 0 } else { meta.actor.len() }",
            "(match meta.Actor [Some($actor) (StringLen $actor)] [None 0]) : integer",
        ),
        (
            "meta.causationId.is_some() && meta.causationId == event.owner",
            "(And (IsSome meta.CausationId) (match meta.CausationId [Some($causationId) (Equal $causationId event.owner)] [None false])) : boolean",
        ),
        // What narrowing names never meets what the user names.
        (
            "match state.owner { Some(reason2) => event.reason.is_some() && event.reason == reason2, None => false }",
            "(match state.owner [Some($reason2) (And (IsSome event.reason) (match event.reason [Some($reason) (Equal $reason $reason2)] [None false]))] [None false]) : boolean",
        ),
        (
            "match state.owner { Some(reason) => event.reason.is_some() && event.reason == reason, None => false }",
            "(match state.owner [Some($reason) (And (IsSome event.reason) (match event.reason [Some($reasonValue) (Equal $reasonValue $reason)] [None false]))] [None false]) : boolean",
        ),
    ]);
    wrong(&[
        ("reason.is_some() || reason.len() > 3", "EL0213 reason"),
        ("reason.is_some() && reason.is_some()", "EL0215 reason"),
        ("if reason.is_some() && true { reason.len() } else { 0 }", "EL0213 reason"),
    ]);
}

#[test]
fn functions_take_their_types_from_the_method() {
    table(&[
        (
            "lines.any(|line| line.quantity > 1)",
            "(ListAny state.lines (|line| (Greater (field $line quantity) 1))) : boolean",
        ),
        // `line` is a field of the state: the parameter is nearer.
        (
            "lines.all(|_| amount > 1)",
            "(ListAll state.lines (|_| (Greater event.amount 1d))) : boolean",
        ),
        (
            "lines.sum(|l| balance * l.quantity)",
            "(ListSumOf state.lines (|l| (Multiply state.balance (widen (field $l quantity))))) : decimal",
        ),
        (
            "lines.sum(|l| l.quantity)",
            "(ListSumOf state.lines (|l| (field $l quantity))) : integer",
        ),
        ("[1.5].sum()", "(ListSum [1.5d]) : decimal"),
        ("[5m].sum()", "(ListSum [300000000us]) : duration"),
        ("lines.map(|l| l.sku)", "(ListMap state.lines (|l| (field $l sku))) : list<string>"),
        (
            "lines.filter(|l| l.note.is_some_and(|n| n.len() > 3)).len()",
            "(ListLen (ListFilter state.lines (|l| (IsSomeAnd (field $l note) (|n| (Greater (StringLen $n) 3)))))) : integer",
        ),
        ("reason.map(|r| r.len())", "(OptionalMap event.reason (|r| (StringLen $r))) : integer?"),
        ("last.and_then(|l| l.note)", "(AndThen state.last (|l| (field $l note))) : string?"),
        // A value becomes an optional by itself here too.
        ("last.and_then(|l| l.sku)", "(AndThen state.last (|l| (some (field $l sku)))) : string?"),
        // What is known outside is known inside.
        (
            "reason.is_some() && lines.any(|l| l.sku == reason)",
            "(And (IsSome event.reason) (match event.reason [Some($reason) (ListAny state.lines (|l| (Equal (field $l sku) $reason)))] [None false])) : boolean",
        ),
    ]);
    table(&[
        // And what a function has made sure of, what follows knows.
        (
            "reason.is_some_and(|r| r.len() > 3) && reason.is_empty()",
            "(And (IsSomeAnd event.reason (|r| (Greater (StringLen $r) 3))) (match event.reason [Some($reason) (StringIsEmpty $reason)] [None false])) : boolean",
        ),
        // But it is not all that was asked, so the other branch does not.
        (
            "if reason.is_some_and(|r| r.len() > 3) { 1 } else { 2 }",
            "(if (IsSomeAnd event.reason (|r| (Greater (StringLen $r) 3))) 1 2) : integer",
        ),
        // What is known inside ends with the function.
        (
            "lines.any(|l| l.note.is_some() && l.note.len() > 3)",
            "(ListAny state.lines (|l| (And (IsSome (field $l note)) (match (field $l note) [Some($note) (Greater (StringLen $note) 3)] [None false])))) : boolean",
        ),
        (
            "lines.any(|l| lines.any(|m| l.sku == m.sku)) && lines.all(|l| l.quantity > 0)",
            "(And (ListAny state.lines (|l| (ListAny state.lines (|m| (Equal (field $l sku) (field $m sku)))))) (ListAll state.lines (|l| (Greater (field $l quantity) 0)))) : boolean",
        ),
        (
            "[Open, Closed].contains(status)",
            "(ListContains ['Open 'Closed] state.status) : boolean",
        ),
        (
            "lines.fold(0, |n, l| n + l.quantity)",
            "(ListFold state.lines 0 (|n l| (Add $n (field $l quantity)))) : integer",
        ),
        (
            "lines.fold(0, |n, l| n + l.size)",
            "(ListFold state.lines 0d (|n l| (Add $n (field $l size)))) : decimal",
        ),
        (
            "lines.sort_by(|l| l.sku).min_by(|l| l.quantity)",
            "(ListMinBy (ListSortBy state.lines (|l| (field $l sku))) (|l| (field $l quantity))) : Line?",
        ),
        (
            "lines.enumerate(|n, l| l.quantity * n).max()",
            "(ListMax (ListEnumerate state.lines (|n l| (Multiply (field $l quantity) $n)))) : integer?",
        ),
        (
            "lines.upsert_by(|l| l.sku, line, |old| Line { size: 1, ..old })",
            "(ListUpsertBy state.lines (|l| (field $l sku)) state.line (|old| {size=1d ..$old})) : list<Line>",
        ),
        (
            "lines.flat_map(|l| [l.sku])",
            "(ListFlatMap state.lines (|l| [(field $l sku)])) : list<string>",
        ),
        ("state.type.matches(\"[a-z]+\")", "(StringMatches state.type \"[a-z]+\") : boolean"),
        (
            "lines.group_by(|l| l.sku).map_values(|all| all.len())",
            "(MapMapValues (ListGroupBy state.lines (|l| (field $l sku))) (|all| (ListLen $all))) : map<string, integer>",
        ),
        (
            "lines.to_map(|l| l.quantity, |l| l.size).filter(|n, size| size > n)",
            "(MapFilter (ListToMap state.lines (|l| (field $l quantity)) (|l| (field $l size))) (|n size| (Greater $size (widen $n)))) : map<integer, decimal>",
        ),
        ("[1, 2].contains(amount)", "(ListContains [1d 2d] event.amount) : boolean"),
    ]);
    let decimals = Type::List(Box::new(Type::Decimal(None)));
    for (text, expected, tree) in [
        (
            "lines.map(|l| l.quantity)",
            &decimals,
            "(ListMap state.lines (|l| (widen (field $l quantity)))) : list<decimal>",
        ),
        ("lines.map(|_| 1)", &decimals, "(ListMap state.lines (|_| 1d)) : list<decimal>"),
        (
            "lines.sum(|l| l.quantity)",
            &Type::Optional(Box::new(Type::Decimal(None))),
            "(some (ListSumOf state.lines (|l| (widen (field $l quantity))))) : decimal?",
        ),
    ] {
        let found = check(text, Some(expected));
        assert_eq!(found.as_deref(), Ok(tree), "{text}");
    }
    wrong(&[
        ("lines.any(true)", "EL0231 true"),
        ("lines.any(|a, b| true)", "EL0231 |a, b| true"),
        ("lines.any()", "EL0217 any"),
        ("lines.any(|l| true)", "EL0223 l"),
        ("lines.any(|l| l.quantity)", "EL0211 l.quantity"),
        ("lines.any(|l| l.note.len() > 3)", "EL0213 l.note"),
        ("lines.any(|lines| lines.any(|lines| true))", "EL0215 any"),
        ("lines.any(|l| lines.any(|l| l.quantity > 0))", "EL0222 l"),
        ("lines.any(|state| true)", "EL0222 state; EL0223 state"),
        ("lines.sum(|l| l.sku)", "EL0233 l.sku"),
        ("lines.sum(|l| l.note)", "EL0213 l.note"),
        ("[\"a\"].sum()", "EL0234 [\"a\"]"),
        ("last.map(|l| l.note)", "EL0213 map"),
        ("lines.map(|l| new_id())", "EL0232 new_id"),
        ("lines.map(|_| new_id())", "EL0232 new_id"),
        ("lines.any(|l| l.sku == status)", "EL0211 =="),
        ("status == \"Open\"", "EL0211 =="),
        ("lines.sort_by(|l| l)", "EL0233 l"),
        ("lines.sort_by(|l| l.note)", "EL0213 l.note"),
        ("lines.max()", "EL0234 lines"),
        ("lines.flat_map(|l| l.sku)", "EL0233 l.sku"),
        ("lines.group_by(|l| l.size)", "EL0233 l.size"),
        ("lines.group_by(|l| l.note)", "EL0213 l.note"),
        ("lines.to_map(|l| l.sku)", "EL0217 to_map"),
        ("lines.group_by(|l| l.sku).filter(|all| true)", "EL0231 |all| true"),
        ("lines.fold(0, |n, l| l.sku)", "EL0211 l.sku"),
        ("lines.fold(0, |n, l| format(\"{n}{l.sku}\"))", "EL0211 format(\"{n}{l.sku}\")"),
        ("[reason].find(|r| r.is_some())", "EL0218 find"),
        ("state.type.matches(state.type)", "EL0235 state.type"),
        ("state.type.matches(\"[a-z\")", "EL0235 ["),
        ("state.type.replace_matching(\"a(b\", \"\")", "EL0235 ("),
        ("[|x| x]", "EL0230 |x| x"),
        ("(|x| x)", "EL0230 |x| x"),
        ("{ let f = |x| x; f }", "EL0230 |x| x"),
    ]);
    let found = check("status == \"open\"", None).expect_err("a text is no variant");
    assert_eq!(found[0].help, ["write `Open` without quotes"]);
}

#[test]
fn choices_and_records_have_one_type_and_every_case() {
    table(&[
        (
            "match status { Draft | Open => 1, Closed => amount }",
            "(match state.status ['Draft|'Open 1d] ['Closed event.amount]) : decimal",
        ),
        (
            "match colour { Some(Red) => 1, Some(_) => 2, None => 3 }",
            "(match state.colour [Some('Red) 1] [Some(_) 2] [None 3]) : integer",
        ),
        (
            "match status { Open => true, _ => false }",
            "(match state.status ['Open true] [_ false]) : boolean",
        ),
        (
            "{ let fee = amount * 2; fee + 1 }",
            "(let $fee (Multiply event.amount 2d) (Add $fee 1d)) : decimal",
        ),
        (
            "Line { quantity: 1, sku: \"a\", note: none }",
            "{sku=\"a\" quantity=1 note=none size=1d} : Line",
        ),
        ("Line { quantity: 2, ..line }", "{quantity=2 ..state.line} : Line"),
        (
            "format(\"{pieces} of {{{line.sku}}}\")",
            "(format event.pieces \" of {\" (field state.line sku) \"}\") : string",
        ),
    ]);
    wrong(&[
        ("match status { Open => true }", "EL0219 match status { Open => true }"),
        ("match status { _ => 1, Open => 2 }", "EL0220 Open"),
        ("match status { Opn => 1, _ => 2 }", "EL0210 Opn"),
        ("match amount { _ => 1 }", "EL0221 amount"),
        ("match reason { Some(x) => 1, None => 2 }", "EL0223 x"),
        ("{ let fee = 1; amount }", "EL0223 fee"),
        ("{ let state = 1; state + 1 }", "EL0222 state"),
        ("Line { sku: \"a\" }", "EL0224 Line { sku: \"a\" }; EL0224 Line { sku: \"a\" }"),
        ("Line { sku: 5, quantity: \"a\", note: none }", "EL0211 5; EL0211 \"a\""),
        ("Lien { sku: 5 }", "EL0206 Lien"),
        ("Colour { sku: 5 }", "EL0225 Colour"),
        ("format(\"{ammount} {pices}\")", "EL0206 ammount; EL0206 pices"),
        ("format(\"{lines}\")", "EL0226 lines"),
        ("format(\"{amount\")", "EL0226 {"),
    ]);
}

/// `None` was never anything but the absence of a value, so that a `match` on an enum with a variant of
/// that name was told to add the case that it had just been refused.
#[test]
fn a_variant_may_be_named_none() {
    table(&[
        (
            "match guest { None => 1, Regular => 2 }",
            "(match state.guest ['None 1] ['Regular 2]) : integer",
        ),
        (
            "match guest { Guest::None => 1, _ => 2 }",
            "(match state.guest ['None 1] [_ 2]) : integer",
        ),
        (
            "match invited { Some(Guest::None) => 1, Some(Guest::Regular) => 2, None => 3 }",
            "(match state.invited [Some('None) 1] [Some('Regular) 2] [None 3]) : integer",
        ),
        (
            "match invited { Some(None) | None => 1, Some(_) => 2 }",
            "(match state.invited [Some('None)|None 1] [Some(_) 2]) : integer",
        ),
    ]);
    wrong(&[
        ("match guest { Regular => 2 }", "EL0219 match guest { Regular => 2 }"),
        (
            "match invited { None => 1, Some(Regular) => 2 }",
            "EL0219 match invited { None => 1, Some(Regular) => 2 }",
        ),
        ("match invited { Guest::None => 1, _ => 2 }", "EL0221 Guest::None"),
        ("match status { None => 1, _ => 2 }", "EL0221 None"),
    ]);
    let found = check("match invited { Guest::None => 1, _ => 2 }", None).expect_err("no `Some`");
    assert_eq!(found[0].help, ["write `Some(Guest::None)`"]);
}

#[test]
fn what_is_rust_but_not_the_language_is_refused_where_it_stands() {
    wrong(
        &[
            ("amount // all of it", "EL0204 //"),
            ("amount /* all */", "EL0204 /*"),
            ("amount as i64", "EL0204 amount as i64"),
            ("amount?", "EL0204 ?"),
            ("lines[0]", "EL0204 lines[0]"),
            ("1..2", "EL0204 1..2"),
            ("unsafe { 1 }", "EL0204 unsafe { 1 }"),
            ("return 1", "EL0204 return 1"),
            ("vec![1]", "EL0204 vec![1]"),
            ("|x| x", "EL0230 |x| x"),
            ("move |x| x", "EL0204 move |x| x"),
            ("lines.any(|x: Line| true)", "EL0204 x: Line"),
            ("lines.any(|&x| true)", "EL0204 &x"),
            ("lines.any(|x| -> bool { true })", "EL0204 |x| -> bool { true }"),
            ("&amount", "EL0204 &amount"),
            ("*amount", "EL0204 *amount"),
            ("std::mem::swap(1, 2)", "EL0204 std::mem::swap"),
            ("#[cfg(x)] 1", "EL0204 #"),
            ("r#type", "EL0204 #"),
            ("\"a\" \"b\"", "EL0203 \"b\""),
            ("amount +", "EL0203 "),
            ("(amount", "EL0203 ("),
            ("amount)", "EL0203 )"),
            ("amount + \"a", "EL0203 \"a"),
            ("if true { 1 }", "EL0203 if true { 1 }"),
            ("loop { 1 }", "EL0204 loop { 1 }"),
            ("", ""),
        ][..26],
    );
}

#[test]
fn depth_and_length_are_bounded_before_parsing() {
    let nested = |open: &str, close: &str, times: usize| {
        format!("{}amount{}", open.repeat(times), close.repeat(times))
    };
    for deep in [
        nested("(", ")", 65),
        nested("[", "]", 500),
        nested("-", "", 66),
        format!("{}true", "!".repeat(4000)),
        nested("&&", "", 1000),
        nested("*", "", 4000),
        format!("{}1", "|x| ".repeat(1000)),
        format!("{}1", "|x|".repeat(1000)),
        format!("{}1", "|x, y| ".repeat(500)),
        format!("{}1", "|x,y|".repeat(800)),
        format!("{}1", "|| ".repeat(1000)),
        format!("{}1", "||".repeat(1000)),
        format!("{}1", "|(x, y), z| ".repeat(300)),
        format!("{}1", "|| |a, b| ".repeat(300)),
        format!("{}1{}", "lines.any(|x| ".repeat(66), ")".repeat(66)),
        format!("{}1", "a = ".repeat(1000)),
        format!("{}1", "..".repeat(2000)),
        format!("{}1", "return ".repeat(500)),
        format!("{}{{}}{}", "if true {1} else ".repeat(66), ""),
        format!("{}1{}", "match 1 { _ => ".repeat(100), "}".repeat(100)),
        format!("amount{}", ".abs()".repeat(65)),
        format!("amount{}", " + amount".repeat(65)),
        format!("{}a{}", "a::<".repeat(500), ">".repeat(500)),
        format!("{}a", "<".repeat(4000)),
    ] {
        let found = check(&deep, None).expect_err(&deep);
        let codes: Vec<&str> = found.iter().map(|found| found.code.id).collect();
        assert_eq!(codes, ["EL0202"], "{}…", &deep[..60]);
    }
    let long = format!("amount{}", " ".repeat(4091));
    assert_eq!(check(&long, None).expect_err("too long")[0].code.id, "EL0201");
    for fine in [
        nested("(", ")", 64),
        format!("{}true", "!".repeat(63)),
        format!("amount{}", " + amount".repeat(63)),
        format!("true{}", " && reason.is_none() && amount > 5".repeat(20)),
        format!("amount{}", " ".repeat(4090)),
        // The commas between parameters end nothing, those between functions do.
        format!("[{}1]", "lines.map(|x| x.quantity).len(), ".repeat(70)),
    ] {
        assert!(check(&fine, None).is_ok(), "{fine}");
    }
}

/// Pieces that expressions are made of, and some that they are not.
const PIECES: &[&str] = &[
    "amount",
    "pieces",
    "owner",
    "reason",
    "status",
    "Open",
    "none",
    "state",
    ".",
    "event",
    "meta",
    "line",
    "lines",
    "last",
    "sku",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    ":",
    "::",
    "=>",
    "=",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    "&&",
    "||",
    "!",
    "-",
    "+",
    "*",
    "/",
    "%",
    "|",
    "&",
    "?",
    "..",
    "_",
    "if",
    "else",
    "match",
    "let",
    "true",
    "Some",
    "None",
    "Line",
    "Colour",
    "Red",
    "0",
    "1",
    "0.5",
    "5m",
    "99999999999999999999",
    "1e5",
    "\"a\"",
    "\"{amount}\"",
    "\"",
    "\\",
    "'",
    "#",
    "//",
    "/*",
    "len",
    "is_some",
    "unwrap_or",
    "div",
    "half_even",
    "format",
    "now",
    "self",
    "crate",
    "type",
    "unsafe",
    "return",
    "as",
    "i64",
    "ä",
    "→",
    "\u{0}",
    "\n",
    " ",
    "r#",
    "b",
    "...",
    "|x|",
    "|x, _|",
    "any",
    "map",
    "sum",
    "@",
];

/// Random pieces, joined with and without spaces.
fn jumble() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(PIECES);
    let separator = proptest::sample::select(&["", " "][..]);
    proptest::collection::vec((piece, separator), 0..40).prop_map(|pieces| {
        pieces.into_iter().map(|(piece, after)| format!("{piece}{after}")).collect()
    })
}

/// Random expressions that are mostly well formed.
fn expression() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(
        &[
            "amount",
            "pieces",
            "state.owner",
            "reason",
            "status",
            "Open",
            "none",
            "5",
            "0.5",
            "\"a\"",
            "5m",
            "now()",
            "last",
            "lines",
            "colour",
            "Red",
            "true",
        ][..],
    )
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 3, |inner| {
        let operator = proptest::sample::select(&["+", "-", "*", "/", "==", "<", "&&", "||"][..]);
        let method = proptest::sample::select(
            &[
                "is_some()",
                "unwrap_or(5)",
                "len()",
                "abs()",
                "first()",
                "sku",
                "round(2)",
                "date()",
                "any(|x| x == 1)",
                "filter(|x| x.quantity > 0)",
                "map(|x| x)",
                "sum(|x| x)",
                "sum()",
                "and_then(|x| x)",
                "fold(0, |x, y| x + y)",
            ][..],
        );
        prop_oneof![
            (inner.clone(), operator, inner.clone())
                .prop_map(|(a, op, b)| format!("({a}) {op} {b}")),
            (inner.clone(), method).prop_map(|(a, method)| format!("({a}).{method}")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(c, a, b)| format!("if {c} {{ {a} }} else {{ {b} }}")),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| format!("match {a} {{ Some(x) => x, None => {b} }}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{ let y = {a}; y + {b} }}")),
            inner.clone().prop_map(|a| format!("!({a})")),
            inner.clone().prop_map(|a| format!("-{a}")),
            inner.prop_map(|a| format!("[{a}, {a}]")),
        ]
    })
}

/// Whether every finding lies within the scalar, on the borders of characters.
fn misplaced(names: &Names, text: &str) -> Option<String> {
    let before = "key: ";
    let mut expression = written(text);
    expression.span =
        Span { start: before.len(), end: before.len() + text.len(), ..expression.span };
    expression.offsets = Some((before.len()..=before.len() + text.len()).collect());
    let mut found = Vec::new();
    let typed = names.scope().infer(&expression, &mut found);
    if typed.is_none() && found.is_empty() && !text.is_empty() {
        return Some(format!("{text:?} fails in silence"));
    }
    names.scope().check(&expression, &Type::Boolean, None, &mut found);
    names.scope().template(&expression, &mut found);
    let outside = found.iter().find(|found| {
        let span = found.primary.0;
        let inside = expression.span.start <= span.start
            && span.start <= span.end
            && span.end <= expression.span.end;
        !inside
            || !text.is_char_boundary(span.start - before.len())
            || !text.is_char_boundary(span.end - before.len())
    });
    outside.map(|found| format!("{text:?}: {found:?}"))
}

#[test]
fn no_text_makes_the_compiler_panic_or_point_elsewhere() {
    let names = Names::new();
    let run = |strategy: BoxedStrategy<String>, cases| {
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let result =
            TestRunner::new(config).run(&strategy, |text| match misplaced(&names, &text) {
                Some(fault) => Err(TestCaseError::fail(fault)),
                None => Ok(()),
            });
        result.unwrap_or_else(|error| panic!("{error}"));
    };
    run(jumble().boxed(), 2000);
    run(expression().boxed(), 500);
}

#[test]
fn the_deepest_expression_needs_little_stack() {
    // Build scripts may run on threads with a megabyte of stack, as the main thread on Windows.
    let deep = || {
        let names = Names::new();
        for text in [
            format!("{}amount{}", "(".repeat(64), ")".repeat(64)),
            format!("{}true", "!".repeat(63)),
            format!("{}amount{}", "if true { ".repeat(31), " } else { amount }".repeat(31)),
            format!("{}1{}", "match status { _ => ".repeat(31), " }".repeat(31)),
            format!("{}1{}", "[".repeat(63), "]".repeat(63)),
            format!("amount{}", ".abs()".repeat(63)),
            format!("amount{}", ".max(amount".repeat(30)) + &")".repeat(30),
            format!("{}1{}", "{ let x = ".repeat(20), "; x }".repeat(20)),
            format!("{}true{}", "lines.any(|_| ".repeat(21), ")".repeat(21)),
            format!("{}1{}", "lines.map(|x| ".repeat(21), ")".repeat(21)),
        ] {
            assert_eq!(misplaced(&names, &text), None);
        }
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(deep);
    thread.expect("a thread can be started").join().expect("the stack suffices");
}
