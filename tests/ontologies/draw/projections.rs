//! Read models: every verb, keys of one and of several columns, cases.

use super::literals::Place;
use super::scope::Scope;
use super::types::Type;
use super::yaml::Yaml;
use super::{Draw, Event, Field, fields, names};

const TABLES: [&str; 8] = ["rows", "order", "group", "select", "table", "index", "values", "a"];

/// A projection that is being drawn.
struct Shown {
    keys: Vec<String>,
    columns: Vec<Field>,
    /// Whether rows are found by other columns than those of the key.
    may_match: bool,
}

impl Draw {
    pub(crate) fn draw_projections(&mut self) -> Yaml {
        let mut entries = Vec::new();
        for index in 0..self.random.usize(..4) {
            let name = self.name();
            for suffix in ["Row", "Key", "Handler"] {
                self.names.keep(&format!("{name}{suffix}"));
            }
            entries.push((name, self.projection(TABLES[(index * 3 + self.locals) % 8], index)));
        }
        Yaml::Map(entries)
    }

    fn projection(&mut self, table: &str, index: usize) -> Yaml {
        let mut sources = self.events.clone();
        while sources.len() > 1 && self.random.bool() {
            sources.remove(self.random.usize(..sources.len()));
        }
        let by_stream = self.random.bool();
        if !by_stream {
            sources.truncate(1);
        }
        let count = self.random.usize(1..5);
        let mut columns = self.fields(count, 2);
        for column in &mut columns {
            if self.chance(5) {
                column.default = self.literal(&column.of, Place::Default);
            }
        }
        let mut shown = Shown { keys: Vec::new(), columns, may_match: false };
        let (strategy, key) = match by_stream {
            true => self.stream_key(&mut shown),
            false => self.drawn_key(&mut shown, &sources[0]),
        };
        let source = sources.iter().map(|event| Yaml::word(event.name.clone())).collect();
        shown.may_match = strategy == "eventually_consistent";
        let on = sources.iter().map(|event| (event.name.clone(), self.rules(&shown, event)));
        let on = Yaml::Map(on.collect());
        let mut entries = vec![
            ("source".to_owned(), Yaml::List(source)),
            ("target".to_owned(), Yaml::word(format!("read_db.{table}{}", "x".repeat(index)))),
            ("updateStrategy".to_owned(), Yaml::word(strategy)),
        ];
        if strategy != "immediate" && self.chance(3) {
            entries.push(("consistencyWindow".to_owned(), Yaml::word("2s")));
        }
        entries.extend(key.map(|key| ("key".to_owned(), key)));
        entries.push(("columns".to_owned(), fields(&shown.columns)));
        for (key, found) in [
            ("indexes", self.indexes(&shown.columns, &shown.keys)),
            ("queries", self.queries(&shown.columns)),
        ] {
            if !matches!(&found, Yaml::List(of) if of.is_empty())
                && !matches!(&found, Yaml::Map(of) if of.is_empty())
            {
                entries.push((key.to_owned(), found));
            }
        }
        entries.push(("on".to_owned(), on));
        Yaml::Map(entries)
    }

    fn stream_key(&mut self, shown: &mut Shown) -> (&'static str, Option<Yaml>) {
        let name = self.partition_key.clone();
        shown.columns.insert(0, Field::new(name.clone(), Type::String));
        shown.keys.push(name.clone());
        let strategy = self.word(&["immediate", "eventually_consistent"]);
        (strategy, Some(Yaml::word(name)).filter(|_| self.random.bool()))
    }

    fn drawn_key(&mut self, shown: &mut Shown, event: &Event) -> (&'static str, Option<Yaml>) {
        let mut scope = Scope { infallible: true, ..Scope::default() };
        self.see(&mut scope, "event", &event.fields, &[]);
        self.see_meta(&mut scope);
        let mut key = Vec::new();
        for _ in 0..self.random.usize(1..3) {
            let Some(read) = self.find(&scope, Type::is_single) else { break };
            let taken: Vec<String> =
                shown.columns.iter().map(|column| column.name.clone()).collect();
            let taken: Vec<String> =
                taken.into_iter().chain([self.partition_key.clone()]).collect();
            let name = names::field(&mut self.random, &taken);
            let value = self.expression(&scope, &read.of, 1).unwrap_or(read.path);
            shown.columns.push(Field::new(name.clone(), read.of));
            shown.keys.push(name.clone());
            key.push((name, Yaml::text(value)));
        }
        ("eventually_consistent", Some(Yaml::Map(key)))
    }

    /// What an event does to its row: one rule, or several of which the first that holds counts.
    fn rules(&mut self, shown: &Shown, event: &Event) -> Yaml {
        if self.random.u8(..3) > 0 {
            return Yaml::Map(self.rule(shown, event, false));
        }
        let several = self.random.usize(1..4);
        let all = (0..several).map(|at| {
            let last = at + 1 == several && self.random.bool();
            Yaml::Map(self.rule(shown, event, !last))
        });
        Yaml::List(all.collect())
    }

    fn rule(&mut self, shown: &Shown, event: &Event, when: bool) -> Vec<(String, Yaml)> {
        let mut scope = Scope { infallible: true, ..Scope::default() };
        self.see(&mut scope, "event", &event.fields, &shown.columns);
        self.see_meta(&mut scope);
        self.see_constants(&mut scope);
        let condition = when.then(|| self.condition(&scope, 1));
        let each = self.each_of(event, &mut scope);
        let found =
            self.matched(&shown.columns, &scope).filter(|_| shown.may_match && self.chance(5));
        let mut with_row = scope.clone();
        self.see(&mut with_row, "row", &shown.columns, &[]);
        let (verb, values) = match self.random.u8(..6) {
            drawn if found.is_some() => Some(("delete", Yaml::word("row"))).filter(|_| drawn == 0),
            0 | 1 => self.insert(shown, &scope),
            2 | 3 => self.upsert(shown, &scope, &with_row),
            4 => None,
            _ => Some(("delete", Yaml::word("row"))),
        }
        .unwrap_or_else(|| ("update", self.update(shown, &with_row)));
        let mut rule = Vec::new();
        // Which row it is must not depend on the row.
        rule.extend(condition.map(|condition| ("when".to_owned(), Yaml::text(condition))));
        // An element that nothing reads is told to be removed.
        let is_read =
            |(local, _): &(String, Yaml)| format!("{found:?} {values:?}").contains(local.as_str());
        let each = each.filter(is_read);
        rule.extend(each.map(|(local, list)| ("forEach".to_owned(), Yaml::one(local, list))));
        let is_found = found.is_some();
        rule.extend(found.map(|condition| ("match".to_owned(), Yaml::text(condition))));
        rule.push((verb.to_owned(), values));
        match verb {
            _ if is_found => {}
            // Any event may come first, and come again.
            "insert" => rule.push(("onConflict".to_owned(), Yaml::word("ignore"))),
            "update" | "delete" => rule.push(("onMissing".to_owned(), Yaml::word("skip"))),
            _ => {}
        }
        rule
    }

    /// A list or set of the event of whose elements each has its turn.
    fn each_of(&mut self, event: &Event, scope: &mut Scope) -> Option<(String, Yaml)> {
        let lists = event.fields.iter().filter_map(|field| match &field.of {
            Type::List(element) | Type::Set(element) => Some((field.name.clone(), element)),
            _ => None,
        });
        let lists: Vec<_> = lists.collect();
        if lists.is_empty() || !self.chance(3) {
            return None;
        }
        let (list, element) = self.one(&lists).clone();
        let local = self.local();
        *scope = scope.with(&local, element);
        Some((local, Yaml::text(format!("event.{list}"))))
    }

    fn insert(&mut self, shown: &Shown, scope: &Scope) -> Option<(&'static str, Yaml)> {
        let mut values = Vec::new();
        for column in self.set_columns(shown) {
            let optional = matches!(column.of, Type::Optional(_)) || column.default.is_some();
            match self.expression(scope, &column.of, 2) {
                Some(_) if optional && self.random.bool() => {}
                Some(value) => values.push((column.name, Yaml::text(value))),
                None if optional => {}
                None => return None,
            }
        }
        Some(("insert", Yaml::Map(values)))
    }

    fn upsert(
        &mut self,
        shown: &Shown,
        scope: &Scope,
        with_row: &Scope,
    ) -> Option<(&'static str, Yaml)> {
        let mut values = Vec::new();
        // A row that is new has no value where the type has no zero.
        let lacks =
            |draw: &Self, column: &Field| column.default.is_none() && !draw.has_zero(&column.of);
        let lacking: Vec<String> = shown
            .columns
            .iter()
            .filter(|column| lacks(self, column))
            .map(|column| format!("row.{}", column.name))
            .collect();
        let mut readable = with_row.clone();
        readable.reads.retain(|read| {
            let of = |row: &String| read.path == *row || read.path.starts_with(&format!("{row}."));
            !lacking.iter().any(of)
        });
        for column in self.set_columns(shown) {
            if lacks(self, &column) {
                let value = self.expression(scope, &column.of, 2)?;
                values.push((column.name, Yaml::text(value)));
            } else if self.random.bool() {
                let value = self.expression(&readable, &column.of, 2);
                values.extend(value.map(|value| (column.name, Yaml::text(value))));
            }
        }
        Some(("upsert", Yaml::Map(values)))
    }

    fn update(&mut self, shown: &Shown, scope: &Scope) -> Yaml {
        let mut values = Vec::new();
        for column in self.set_columns(shown) {
            if self.random.bool() {
                let value = self.expression(scope, &column.of, 2);
                values.extend(value.map(|value| (column.name, Yaml::text(value))));
            }
        }
        Yaml::Map(values)
    }

    /// The columns that rules set: all but those of the key.
    fn set_columns(&self, shown: &Shown) -> Vec<Field> {
        shown.columns.iter().filter(|column| !shown.keys.contains(&column.name)).cloned().collect()
    }
}
