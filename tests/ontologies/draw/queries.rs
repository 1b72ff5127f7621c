//! How rows are found: indexes, queries, and the rows that an event matches.

use super::literals::Place;
use super::scope::Scope;
use super::types::Type;
use super::yaml::Yaml;
use super::{Draw, Field};

/// What a condition on rows has asked.
#[derive(Default)]
struct Asked {
    /// Of the caller.
    given: Vec<Field>,
    /// Of optional columns.
    known: Vec<String>,
}

impl Draw {
    /// `indexes`
    pub(crate) fn indexes(&mut self, columns: &[Field], keys: &[String]) -> Yaml {
        let single: Vec<&Field> =
            columns.iter().filter(|column| can_be_asked(&column.of)).collect();
        let mut indexes: Vec<Vec<String>> = Vec::new();
        for _ in 0..self.random.usize(..3) {
            if single.is_empty() {
                break;
            }
            let mut index = vec![self.one(&single).name.clone()];
            let second = self.one(&single).name.clone();
            if self.random.bool() && second != index[0] {
                index.push(second);
            }
            // The key finds its rows by itself.
            if keys.starts_with(&index) {
                continue;
            }
            // One that another begins with is of no use.
            if !indexes.iter().any(|other| other.starts_with(&index) || index.starts_with(other)) {
                indexes.push(index);
            }
        }
        let words = |index: Vec<String>| Yaml::List(index.into_iter().map(Yaml::word).collect());
        Yaml::List(indexes.into_iter().map(words).collect())
    }

    /// `queries`
    pub(crate) fn queries(&mut self, columns: &[Field]) -> Yaml {
        let mut entries = Vec::new();
        for at in 0..self.random.usize(..3) {
            let mut inputs = Asked::default();
            let mut query = Vec::new();
            if let Some(condition) = self.asked_of_rows(columns, &mut inputs, 2) {
                query.push(("where".to_owned(), Yaml::text(condition)));
            }
            let sorted: Vec<&Field> =
                columns.iter().filter(|column| column.of.is_ordered()).collect();
            if !sorted.is_empty() && self.random.bool() {
                let by = self.one(&sorted).name.clone();
                let by = format!("{by}{}", self.word(&["", " desc"]));
                query.push(("orderBy".to_owned(), Yaml::text(by)));
            }
            if !inputs.given.is_empty() {
                let declared = inputs
                    .given
                    .iter()
                    .map(|input: &Field| (input.name.clone(), Yaml::text(input.of.written())));
                query.push(("input".to_owned(), Yaml::Map(declared.collect())));
            }
            query.push(("limit".to_owned(), Yaml::word(self.word(&["1", "3", "1000"]))));
            entries.push((format!("asked{at}"), Yaml::Map(query)));
        }
        Yaml::Map(entries)
    }

    fn asked_of_rows(
        &mut self,
        columns: &[Field],
        inputs: &mut Asked,
        depth: u8,
    ) -> Option<String> {
        // What is known of an optional is asked no more.
        let fits = |column: &&Field| {
            let optional = matches!(column.of, Type::Optional(_));
            can_be_asked(&column.of) && !(optional && inputs.known.contains(&column.name))
        };
        let asked: Vec<&Field> = columns.iter().filter(fits).collect();
        if asked.is_empty() {
            return None;
        }
        if depth > 0 && self.random.bool() {
            let left = self.asked_of_rows(columns, inputs, depth - 1)?;
            let right = self.asked_of_rows(columns, inputs, depth - 1)?;
            let not = self.word(&["", "!"]);
            return Some(format!("({left}) {} {not}({right})", self.word(&["&&", "||"])));
        }
        let column = (*self.one(&asked)).clone();
        let path = format!("row.{}", column.name);
        if matches!(column.of, Type::Optional(_)) {
            inputs.known.push(column.name);
            let question = self.word(&["is_some", "is_none"]);
            return Some(format!("{path}.{question}()"));
        }
        let known = self.literal(column.of.plain(), Place::Expression);
        let value = match known.filter(|_| column.of.plain() == &column.of && self.random.bool()) {
            Some(literal) => literal,
            None => {
                let name = format!("given{}", inputs.given.len());
                inputs.given.push(Field::new(name.clone(), column.of.clone()));
                format!("input.{name}")
            }
        };
        let operators: &[_] =
            if column.of.is_ordered() { &["==", "<", ">="] } else { &["==", "!="] };
        Some(format!("{path} {} {value}", self.word(operators)))
    }

    /// A condition by which an event finds its rows.
    pub(crate) fn matched(&mut self, columns: &[Field], scope: &Scope) -> Option<String> {
        let asked: Vec<&Field> = columns
            .iter()
            .filter(|column| can_be_asked(&column.of) && !matches!(column.of, Type::Optional(_)))
            .collect();
        if asked.is_empty() {
            return None;
        }
        let column = (*self.one(&asked)).clone();
        let value = self.find(scope, |of| *of == column.of)?;
        let operators: &[_] = if column.of.is_ordered() { &["==", "<="] } else { &["=="] };
        Some(format!("row.{} {} {}", column.name, self.word(operators), value.path))
    }
}

fn can_be_asked(of: &Type) -> bool {
    match of {
        Type::Optional(of) => can_be_asked(of),
        of => of.is_single() && *of.plain() != Type::Bytes,
    }
}
