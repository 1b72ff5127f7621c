//! From text to the language's tree: Rust's parser, then an allow-list of its nodes.
//!
//! What Rust knows and the language does not is refused here with the language's way to say it.

use std::ops::Range;

use proc_macro2::Ident;
use syn::spanned::Spanned as _;
use syn::{BinOp, Block, Expr, Lit, Member, Pat, Stmt, UnOp};

use super::guard::{self, MAX_DEPTH, Refused};
use super::literal;
use super::place::Places;
use super::tokens::tokens;
use super::tree::{ArmNode, Node, NodeKind, Operator, PatternKind, PatternNode};
use crate::catalogue::expressions::{FOREIGN_SYNTAX, LITERAL, NOT_READABLE};
use crate::commas;
use crate::diagnostic::Diagnostic;
use crate::model::{Arithmetic, Comparison, Logic};
use crate::source::Span;
use crate::syntax::Text;

type Parsed<T> = Result<T, Refused>;

/// The tree of an expression, or a finding why it has none.
pub(super) fn parse(
    text: &str,
    places: Places<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Node> {
    read(text, places)
        .map_err(|refused| {
            let place = places.span(refused.at);
            let found = Diagnostic::error(refused.code, refused.title, place, refused.label);
            findings.push(refused.help.into_iter().fold(found, Diagnostic::help));
        })
        .ok()
}

fn read(text: &str, places: Places<'_>) -> Parsed<Node> {
    if text.trim().is_empty() {
        let refused = Refused::new(&NOT_READABLE, 0..text.len(), "an expression is empty", "");
        return Err(refused.help("write a value, for example `balance + amount`"));
    }
    guard::look_over(text)?;
    if let Some(at) = day(text) {
        let written = &text[at.clone()];
        let title = format!("`{written}` is no value: a day or a time is written as a text");
        let refused = Refused::new(&NOT_READABLE, at.clone(), title, "numbers and signs");
        let help = format!(
            "in a default or a constant write `\"{written}\"`; read the constant elsewhere"
        );
        return Err(refused.help(help));
    }
    let tokens = tokens(text).map_err(|error| unreadable_character(text, &error))?;
    let parsed = syn::parse2(tokens).map_err(|error| unreadable(text, &error))?;
    Convert { text, places }.expression(&parsed, 0)
}

/// A day as a person writes it, with the time that may follow.
fn day(text: &str) -> Option<Range<usize>> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.' | '_');
    let mut quoted = false;
    let mut at = 0;
    for word in text.split_inclusive(|c: char| !part(c)) {
        let plain = word.trim_end_matches(|c: char| !part(c));
        let numbers: Vec<&str> = plain.get(..10).unwrap_or_default().split('-').collect();
        let is_day = plain.get(10..11).is_none_or(|next| next == "T")
            && numbers.iter().map(|number| number.len()).eq([4, 2, 2])
            && numbers.iter().all(|number| number.bytes().all(|digit| digit.is_ascii_digit()));
        if is_day && !quoted {
            return Some(at..at + plain.len());
        }
        let before = text[..at + word.len()].strip_suffix('"');
        let signs = before.map(|before| before.len() - before.trim_end_matches('\\').len());
        quoted ^= signs.is_some_and(|signs| signs % 2 == 0);
        at += word.len();
    }
    None
}

fn unreadable_character(text: &str, error: &proc_macro2::LexError) -> Refused {
    let start = error.span().byte_range().start;
    let found = text.get(start..).and_then(|rest| rest.chars().next());
    let at = start..start + found.map_or(0, char::len_utf8);
    match found {
        Some('(' | '[' | '{') => {
            Refused::new(&NOT_READABLE, at, "a bracket is not closed", "it opens here")
                .help("close it where its contents end")
        }
        Some(')' | ']' | '}') => {
            Refused::new(&NOT_READABLE, at, "a bracket is closed that was not opened", "this one")
                .help("remove it, or open it where its contents begin")
        }
        Some('“' | '”' | '„' | '‘' | '’') => {
            Refused::new(&NOT_READABLE, at, "a text stands in typographic quotes", "unknown here")
                .help("write it as `\"…\"`")
        }
        Some('–' | '−' | '—' | '×' | '÷' | '≤' | '≥' | '≠') => {
            Refused::new(&NOT_READABLE, at, "an operator is written as a symbol", "unknown here")
                .help("the operators are + - * / % == != < <= > >= && || !")
        }
        _ => Refused::new(&NOT_READABLE, at, "the expression cannot be read", "unknown here")
            .help("see the expressions in the language reference"),
    }
}

fn unreadable(text: &str, error: &syn::Error) -> Refused {
    let message = error.to_string();
    let at = error.span().byte_range();
    if message.starts_with("unexpected end of input") {
        return ends_early(text, at);
    }
    let until = text.get(..at.start).unwrap_or("").trim_end();
    let before = until.split_whitespace().next_back().unwrap_or("");
    // `not x`: the parser takes `not` for a value and blames what follows.
    let at = if before == "not" { until.len() - before.len()..until.len() } else { at };
    let word = text.get(at.clone()).unwrap_or("");
    let help = hint(before, word, text.get(at.end..).unwrap_or(""));
    // The parser's own words are about Rust: only what it says of the language is passed on.
    let (title, label) = match message.strip_prefix("expected ") {
        Some("an expression") => (format!("a value belongs here, not `{word}`"), "not a value"),
        Some(wanted) if wanted.starts_with('`') && wanted.matches('`').count() == 2 => {
            (format!("{wanted} belongs here, not `{word}`"), "not here")
        }
        _ if message.contains("chained") => {
            ("comparisons can't be chained".to_owned(), "a second comparison")
        }
        _ => (format!("`{word}` doesn't belong here"), "not here"),
    };
    // Of an operator of two characters only the first is blamed.
    let operator = text.get(at.start..at.start + 2).unwrap_or(word);
    let chained = message.contains("chained") && matches!(operator, "==" | "!=");
    let help = if chained { Some("put one of the two in parentheses".to_owned()) } else { help };
    let refused = Refused::new(&NOT_READABLE, at, title, label);
    refused.help(help.unwrap_or_else(|| {
        "two values need an operator between them, and a text stands in `\"…\"`".to_owned()
    }))
}

/// The text is over, or a bracket is closed, where something must follow.
fn ends_early(text: &str, at: Range<usize>) -> Refused {
    // At the end of the text the parser has no token to blame and points to the start.
    let end = text.trim_end().len();
    let at = if at.is_empty() { end..end } else { at };
    let before = text.get(..at.start).unwrap_or("").split_whitespace().next_back().unwrap_or("");
    let help = match before {
        "" => "write a value, for example `balance + amount`".to_owned(),
        word if is_keyword(word) => field_named(word),
        last => format!("say what follows `{last}`, or remove it"),
    };
    Refused::new(&NOT_READABLE, at, "something is missing here", "something must follow").help(help)
}

/// Whether the parser keeps this word for itself.
pub(super) fn is_keyword(word: &str) -> bool {
    !word.is_empty()
        && word.chars().all(char::is_alphabetic)
        && syn::parse_str::<Ident>(word).is_err()
}

/// Whether this word means something else in an expression than a field of its name.
pub(crate) fn is_word(name: &str) -> bool {
    is_keyword(name) || name == "none"
}

fn field_named(word: &str) -> String {
    format!(
        "`{word}` is a word of the language: write a field of that name as `event.{word}` or \
         `state.{word}`, and a variant after the name of its declared enum, as `Kind::{word}`"
    )
}

/// What a slip at this word most likely meant.
fn hint(before: &str, word: &str, rest: &str) -> Option<String> {
    match word {
        "and" => Some("write `&&`".into()),
        "or" => Some("write `||`".into()),
        "not" => Some("write `!`".into()),
        "then" | ":" => Some("write a choice as `if … { … } else { … }`".into()),
        "else" => Some(
            "a choice is `if … { … } else { … }`; a rule names its refusal after a comma: \
             `…, else Name`"
                .into(),
        ),
        "=" | "==" if rest.starts_with('=') => Some("write `==` to compare".into()),
        ">" | "<" | "<>" => Some("write `a > b && b > c` for a chain, `!=` for unlike".into()),
        _ if word.starts_with(|c: char| c.is_ascii_digit()) && before.ends_with('.') => {
            Some("a name starts with a letter".into())
        }
        "," => number_around(before, rest).map(|number| commas::help(&number, false)),
        _ if is_keyword(word) => Some(field_named(word)),
        _ => None,
    }
}

/// The number that a comma stands in, if there are digits on both sides.
fn number_around(before: &str, rest: &str) -> Option<String> {
    let of_number = |c: char| c.is_ascii_digit() || c == '.' || c == ',';
    let start = before.rfind(|c| !of_number(c)).map_or(0, |at| at + 1);
    let end = rest.find(|c| !of_number(c)).unwrap_or(rest.len());
    let (before, after) = (before.get(start..)?, rest.get(..end)?.trim_end_matches(['.', ',']));
    let is_cut = before.ends_with(|c: char| c.is_ascii_digit())
        && after.starts_with(|c: char| c.is_ascii_digit());
    is_cut.then(|| format!("{before},{after}"))
}

/// A text as one side of an operator: in parentheses where another operator could take it apart. None where
/// it is no value.
fn operand(text: &str) -> Option<String> {
    let parsed = syn::parse2(tokens(text).ok()?).ok()?;
    Some(match parsed {
        Expr::Path(_)
        | Expr::Lit(_)
        | Expr::Field(_)
        | Expr::Call(_)
        | Expr::MethodCall(_)
        | Expr::Paren(_) => text.to_owned(),
        _ => format!("({text})"),
    })
}

fn foreign(at: Range<usize>, what: &str, help: &str) -> Refused {
    Refused::new(&FOREIGN_SYNTAX, at, format!("{what} is not part of the language"), "not here")
        .help(help)
}

struct Convert<'a> {
    text: &'a str,
    places: Places<'a>,
}

impl Convert<'_> {
    fn expression(&self, parsed: &Expr, depth: usize) -> Parsed<Node> {
        let at = parsed.span().byte_range();
        if depth > MAX_DEPTH {
            return Err(guard::too_deep(at));
        }
        let deeper = |inner: &Expr| self.expression(inner, depth + 1).map(Box::new);
        let kind = match parsed {
            Expr::Paren(inner) => return self.expression(&inner.expr, depth + 1),
            Expr::Group(inner) => return self.expression(&inner.expr, depth + 1),
            Expr::Lit(literal) => self.literal(&literal.lit)?,
            Expr::Path(path) => self.path(path)?,
            Expr::Field(field) => {
                NodeKind::Member(deeper(&field.base)?, self.member(&field.member)?)
            }
            Expr::Unary(unary) => match unary.op {
                UnOp::Not(_) => NodeKind::Not(deeper(&unary.expr)?),
                UnOp::Neg(_) => NodeKind::Negate(deeper(&unary.expr)?),
                _ => return Err(foreign(at, "`*` before a value", "a value needs no sign")),
            },
            Expr::Binary(binary) => {
                let operator = self.operator(&binary.op)?;
                let place = self.span(&binary.op);
                NodeKind::Binary(operator, place, deeper(&binary.left)?, deeper(&binary.right)?)
            }
            Expr::If(choice) => self.choice(choice, depth)?,
            Expr::Match(choice) => NodeKind::Match(
                deeper(&choice.expr)?,
                choice.arms.iter().map(|arm| self.arm(arm, depth)).collect::<Parsed<_>>()?,
            ),
            Expr::Block(block) if block.label.is_none() => return self.block(&block.block, depth),
            Expr::Call(call) => {
                let name = self.called(&call.func)?;
                NodeKind::Call(name, self.list(&call.args, depth)?)
            }
            Expr::MethodCall(call) if call.turbofish.is_none() => NodeKind::Method(
                deeper(&call.receiver)?,
                self.name(&call.method),
                self.list(&call.args, depth)?,
            ),
            Expr::Struct(record) => self.record(record, depth)?,
            Expr::Array(list) => NodeKind::List(self.list(&list.elems, depth)?),
            Expr::Closure(closure) => self.closure(closure, depth)?,
            other => return Err(refuse(other, at)),
        };
        Ok(Node { kind, span: self.places.span(at) })
    }

    fn list(
        &self,
        parsed: &syn::punctuated::Punctuated<Expr, syn::Token![,]>,
        depth: usize,
    ) -> Parsed<Vec<Node>> {
        parsed.iter().map(|element| self.expression(element, depth + 1)).collect()
    }

    fn span(&self, token: &impl syn::spanned::Spanned) -> Span {
        self.places.span(token.span().byte_range())
    }

    fn name(&self, ident: &Ident) -> Text {
        let name = ident.to_string();
        let value = name.strip_prefix("r#").map_or(name.clone(), str::to_owned);
        Text { value, span: self.span(ident) }
    }

    fn member(&self, member: &Member) -> Parsed<Text> {
        match member {
            Member::Named(ident) => Ok(self.name(ident)),
            Member::Unnamed(index) => Err(foreign(
                index.span.byte_range(),
                "a numbered field",
                "fields have names; an element of a list is `items.get(0)`",
            )),
        }
    }

    fn literal(&self, literal: &Lit) -> Parsed<NodeKind> {
        let at = literal.span().byte_range();
        let written = self.text.get(at.clone()).unwrap_or("");
        let number = match literal {
            Lit::Str(text) => return Ok(self.string(text.value(), at)),
            Lit::Bool(value) => return Ok(NodeKind::Boolean(value.value)),
            Lit::Int(number) => literal::integer(number.base10_digits(), number.suffix(), written),
            Lit::Float(number) => {
                literal::decimal(number.base10_digits(), number.suffix(), written)
            }
            _ => return Err(foreign(at, "this kind of literal", "write a text as `\"…\"`")),
        };
        number.map_err(|(title, help)| Refused::new(&LITERAL, at, title, "this number").help(help))
    }

    fn string(&self, value: String, at: Range<usize>) -> NodeKind {
        let inner = at.start + 1..at.end.saturating_sub(1);
        let verbatim = self.text.get(inner.clone()) == Some(value.as_str());
        let bytes = (inner.start..=inner.end).map(|byte| self.places.span(byte..byte).start);
        let offsets = (verbatim && self.places.exact()).then(|| bytes.collect());
        NodeKind::String(value, offsets)
    }

    fn path(&self, parsed: &syn::ExprPath) -> Parsed<NodeKind> {
        let mut names = self.segments(parsed.qself.is_some(), &parsed.path)?;
        match (names.pop(), names.pop(), names.pop()) {
            (Some(name), None, _) => Ok(NodeKind::Name(name.value)),
            (Some(variant), Some(owner), None) => Ok(NodeKind::Variant(owner, variant)),
            _ => Err(foreign(
                parsed.span().byte_range(),
                "a path of several parts",
                "a variant is `Open` or `Status::Open`",
            )),
        }
    }

    fn segments(&self, qualified: bool, path: &syn::Path) -> Parsed<Vec<Text>> {
        let plain = path.segments.iter().all(|segment| segment.arguments.is_none());
        if qualified || path.leading_colon.is_some() || !plain {
            let help = "a variant is `Open` or `Status::Open`, a field `state.balance`";
            return Err(foreign(path.span().byte_range(), "a path with types", help));
        }
        Ok(path.segments.iter().map(|segment| self.name(&segment.ident)).collect())
    }

    fn called(&self, function: &Expr) -> Parsed<Text> {
        if let Expr::Path(path) = function {
            let mut names = self.segments(path.qself.is_some(), &path.path)?;
            if let (Some(name), true) = (names.pop(), names.is_empty()) {
                return Ok(name);
            }
        }
        let help = "the functions are `now()`, `new_id()` and `format(\"…\")`; everything else is a method, as `x.len()`";
        Err(foreign(function.span().byte_range(), "a call of this", help))
    }

    fn operator(&self, parsed: &BinOp) -> Parsed<Operator> {
        Ok(match parsed {
            BinOp::Add(_) => Operator::Arithmetic(Arithmetic::Add),
            BinOp::Sub(_) => Operator::Arithmetic(Arithmetic::Subtract),
            BinOp::Mul(_) => Operator::Arithmetic(Arithmetic::Multiply),
            BinOp::Div(_) => Operator::Arithmetic(Arithmetic::Divide),
            BinOp::Rem(_) => Operator::Arithmetic(Arithmetic::Remainder),
            BinOp::And(_) => Operator::Logic(Logic::And),
            BinOp::Or(_) => Operator::Logic(Logic::Or),
            BinOp::Eq(_) => Operator::Compare(Comparison::Equal),
            BinOp::Ne(_) => Operator::Compare(Comparison::NotEqual),
            BinOp::Lt(_) => Operator::Compare(Comparison::Less),
            BinOp::Le(_) => Operator::Compare(Comparison::LessOrEqual),
            BinOp::Gt(_) => Operator::Compare(Comparison::Greater),
            BinOp::Ge(_) => Operator::Compare(Comparison::GreaterOrEqual),
            other => {
                let at = other.span().byte_range();
                let written = self.text.get(at.clone()).unwrap_or("").to_owned();
                let help = match written.as_str() {
                    "&" => "write `&&`".to_owned(),
                    "|" => "write `||`".to_owned(),
                    "+=" | "-=" | "*=" | "/=" | "%=" => self.new_value(&at),
                    _ => "the operators are + - * / % == != < <= > >= && || !".to_owned(),
                };
                return Err(foreign(at, &format!("`{written}`"), &help));
            }
        })
    }

    /// How the value that an assignment such as `+=` means is written.
    fn new_value(&self, at: &Range<usize>) -> String {
        let operator = self.text.get(at.start..at.end - 1).unwrap_or("");
        let (before, after) = (self.text.get(..at.start), self.text.get(at.end..));
        let (before, after) = (before.unwrap_or("").trim(), after.unwrap_or("").trim());
        match (operand(before), operand(after)) {
            (Some(before), Some(after)) => {
                format!("give the new value: `{before} {operator} {after}`")
            }
            // It stands within something.
            _ => format!("give the new value, with `{operator}` alone"),
        }
    }

    fn choice(&self, parsed: &syn::ExprIf, depth: usize) -> Parsed<NodeKind> {
        let Some((_, otherwise)) = &parsed.else_branch else {
            let at = parsed.span().byte_range();
            return Err(Refused::new(&NOT_READABLE, at, "an `if` has no `else`", "this `if`")
                .help("an expression always has a value: add `else { … }`"));
        };
        let condition = self.expression(&parsed.cond, depth + 1)?;
        let then = self.block(&parsed.then_branch, depth + 1)?;
        let otherwise = self.expression(otherwise, depth + 1)?;
        Ok(NodeKind::If(Box::new(condition), Box::new(then), Box::new(otherwise)))
    }

    fn block(&self, block: &Block, depth: usize) -> Parsed<Node> {
        let at = block.span().byte_range();
        let (last, before) = match block.stmts.split_last() {
            Some((Stmt::Expr(last, None), before)) => (last, before),
            Some((Stmt::Expr(_, Some(semicolon)), _)) => {
                let at = semicolon.span().byte_range();
                return Err(Refused::new(
                    &NOT_READABLE,
                    at,
                    "a block ends without a value",
                    "the value ends here",
                )
                .help("remove the `;`: the last line of a block is its value"));
            }
            _ => {
                return Err(Refused::new(&NOT_READABLE, at, "a block has no value", "this block")
                    .help("end the block with the value, as `{ let fee = 2; amount + fee }`"));
            }
        };
        let last = self.expression(last, depth + 1 + before.len())?;
        before.iter().enumerate().rev().try_fold(last, |body, (index, statement)| {
            let (name, value) = self.binding(statement, depth + 1 + index)?;
            let span = body.span;
            Ok(Node { kind: NodeKind::Let(name, Box::new(value), Box::new(body)), span })
        })
    }

    fn binding(&self, statement: &Stmt, depth: usize) -> Parsed<(Text, Node)> {
        let at = statement.span().byte_range();
        let help = "the lines of a block are `let name = value;`, then its value";
        let Stmt::Local(local) = statement else {
            return Err(foreign(at, "this statement", help));
        };
        match (&local.pat, &local.init) {
            (Pat::Ident(name), Some(init)) if plain(name) && init.diverge.is_none() => {
                Ok((self.name(&name.ident), self.expression(&init.expr, depth + 1)?))
            }
            _ => Err(foreign(at, "this form of `let`", help)),
        }
    }

    fn record(&self, parsed: &syn::ExprStruct, depth: usize) -> Parsed<NodeKind> {
        let mut names = self.segments(parsed.qself.is_some(), &parsed.path)?;
        let (Some(name), true) = (names.pop(), names.is_empty()) else {
            let at = parsed.path.span().byte_range();
            return Err(foreign(at, "a path of several parts", "a record is `Line { … }`"));
        };
        let field = |field: &syn::FieldValue| {
            Ok((self.member(&field.member)?, self.expression(&field.expr, depth + 1)?))
        };
        let fields = parsed.fields.iter().map(field).collect::<Parsed<Vec<_>>>()?;
        let base = match (&parsed.rest, &parsed.dot2_token) {
            (Some(base), _) => Some(Box::new(self.expression(base, depth + 1)?)),
            (None, Some(dots)) => {
                let at = dots.span().byte_range();
                return Err(foreign(at, "`..` without a record", "name it, as `..line`"));
            }
            (None, None) => None,
        };
        Ok(NodeKind::Record(name, fields, base))
    }

    /// `|x, _| …`
    fn closure(&self, parsed: &syn::ExprClosure, depth: usize) -> Parsed<NodeKind> {
        let at = parsed.span().byte_range();
        // Whatever Rust allows in front, as `move` and `async`, makes it start before its first `|`.
        let starts_plain = parsed.inputs_begin.span().byte_range().start == at.start;
        if !starts_plain || !matches!(parsed.output, syn::ReturnType::Default) {
            return Err(foreign(at, "this form of a function", FUNCTION_FORM));
        }
        let parameters = parsed.inputs.iter().map(|input| self.parameter(input));
        let parameters = parameters.collect::<Parsed<Vec<_>>>()?;
        let body = self.expression(&parsed.body, depth + 1)?;
        Ok(NodeKind::Closure(parameters, Box::new(body)))
    }

    fn parameter(&self, parsed: &Pat) -> Parsed<Option<Text>> {
        match parsed {
            Pat::Wild(_) => Ok(None),
            Pat::Ident(name) if plain(name) => Ok(Some(self.name(&name.ident))),
            Pat::Type(_) => {
                let help = "write the name alone: what it is follows from the method";
                Err(foreign(parsed.span().byte_range(), "a type behind a parameter", help))
            }
            _ => Err(foreign(parsed.span().byte_range(), "this parameter", FUNCTION_FORM)),
        }
    }

    fn arm(&self, arm: &syn::Arm, depth: usize) -> Parsed<ArmNode> {
        let patterns = match &arm.pat {
            Pat::Or(several) => several.cases.iter().map(|pat| self.pattern(pat)).collect(),
            one => self.pattern(one).map(|pattern| vec![pattern]),
        };
        let span = self.span(&arm.pat);
        Ok(ArmNode { patterns: patterns?, body: self.expression(&arm.body, depth + 1)?, span })
    }

    fn pattern(&self, parsed: &Pat) -> Parsed<PatternNode> {
        let at = parsed.span().byte_range();
        let help = "the patterns are `Open`, `Status::Open`, `Some(x)`, `None` and `_`, several joined by `|`";
        let kind = match parsed {
            Pat::Wild(_) => PatternKind::Any,
            Pat::Paren(inner) => return self.pattern(&inner.pat),
            Pat::Ident(name) if plain(name) && name.ident == "None" => PatternKind::None,
            Pat::Ident(name) if plain(name) => PatternKind::Variant(None, self.name(&name.ident)),
            Pat::Path(path) => {
                let (owner, variant) = self.variant(path.qself.is_some(), &path.path, help)?;
                PatternKind::Variant(Some(owner), variant)
            }
            Pat::TupleStruct(some) if some.path.is_ident("Some") && some.elems.len() == 1 => {
                match &some.elems[0] {
                    Pat::Wild(_) => PatternKind::SomeAny,
                    Pat::Ident(name) if plain(name) => PatternKind::Some(self.name(&name.ident)),
                    Pat::Path(path) => {
                        let (owner, variant) =
                            self.variant(path.qself.is_some(), &path.path, help)?;
                        PatternKind::SomeVariant(owner, variant)
                    }
                    _ => return Err(foreign(at, "this pattern", help)),
                }
            }
            Pat::Guard(_) => {
                let help = "decide in the arm: `Some(x) => if … { … } else { … }`";
                return Err(foreign(at, "`if` behind a pattern", help));
            }
            _ => return Err(foreign(at, "this pattern", help)),
        };
        Ok(PatternNode { kind, span: self.places.span(at) })
    }

    fn variant(&self, qualified: bool, path: &syn::Path, help: &str) -> Parsed<(Text, Text)> {
        let mut names = self.segments(qualified, path)?;
        match (names.pop(), names.pop(), names.is_empty()) {
            (Some(variant), Some(owner), true) => Ok((owner, variant)),
            _ => Err(foreign(path.span().byte_range(), "this pattern", help)),
        }
    }
}

fn plain(name: &syn::PatIdent) -> bool {
    name.by_ref.is_none() && name.mutability.is_none() && name.subpat.is_none()
}

/// The form of a function.
const FUNCTION_FORM: &str = "a function is `|x| x.price`, of two values `|sum, x| sum + x.price`";

/// What Rust knows and the language does not, each with the language's way.
fn refuse(parsed: &Expr, at: Range<usize>) -> Refused {
    let (what, help) = match parsed {
        Expr::Assign(_) => ("`=`", "write `==` to compare; fields are set by the lines of `apply`"),
        Expr::Range(_) => ("a range", "compare both ends: `a <= x && x <= b`"),
        Expr::Index(_) => {
            ("`[…]` after a value", "an element is `items.get(0)`, which may be none")
        }
        Expr::Cast(_) => ("`as`", "convert with `.to_decimal()` or `.to_integer()`"),
        Expr::Reference(_) | Expr::RawAddr(_) => ("`&`", "a value needs no sign"),
        Expr::Macro(_) => ("a macro", "write a text with values as `format(\"{a} of {b}\")`"),
        Expr::Tuple(_) => ("a tuple", "declare a record under `types:`"),
        Expr::Let(_) => ("`if let`", "write `match x { Some(y) => …, None => … }`"),
        Expr::Repeat(_) => ("`[x; n]`", "write the elements: `[x, x]`"),
        Expr::MethodCall(_) => ("a type after `::`", "a method needs no type"),
        Expr::Block(_) => ("a label", "a block needs no name"),
        Expr::Loop(_) | Expr::While(_) | Expr::ForLoop(_) => {
            ("a loop", "an expression has one value; a command emits per element with `forEach`")
        }
        Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) | Expr::Yield(_) => {
            ("a jump", "an expression has one value: its last line")
        }
        Expr::Try(_) => ("`?`", "give a value for none with `.unwrap_or(…)`"),
        _ => ("this", "see the expressions in the language reference"),
    };
    foreign(at, what, help)
}
