//! [`MemoryReadDatabase`]: rows in memory, for tests and for read models that may be built anew at
//! every start. Keeps every promise of [`ReadDatabase`] but durability.

mod table;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::table::MemoryTable;
use super::database::{
    Checkpoint, ReadDatabase, ReadDatabaseError, ReadTransaction, RowValues, RowsVersion,
};
use super::{
    Column, Commit, Committed, Condition, Poison, ProjectionName, Query, RowChange, SeenEvent,
    Skip, Summary, Switched, Table, TableSpec, TableState,
};
use crate::metadata::Position;
use crate::store::{AppendTransaction, UndoLog};
use crate::values::Uuid;

/// Rows of projections in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryReadDatabase {
    contents: Arc<Mutex<Contents>>,
}

#[derive(Debug, Default)]
struct Contents {
    tables: BTreeMap<u64, MemoryTable>,
    last_id: u64,
    skips: BTreeMap<Identity, BTreeMap<Position, Skip>>,
}

/// Aggregate, projection, target and meaning: what rows are kept by.
type Identity = (&'static str, &'static str, &'static str, u64);

fn identity(spec: &TableSpec) -> Identity {
    (spec.aggregate, spec.projection, spec.name, spec.meaning)
}

/// What a commit changes, as it is before.
struct Before {
    id: u64,
    position: Position,
    seen: Option<SeenEvent>,
    complete: bool,
    /// The poison that the commit replaces, and where it adds some.
    poison: Vec<(Position, Option<Poison>)>,
    released: Vec<Poison>,
    rows: Vec<(RowValues, Option<RowValues>)>,
}

/// The tables that a rebuild puts in each other's place, as they were before.
struct Switch {
    shadow: Table,
    shadow_complete: bool,
    served: MemoryTable,
}

impl MemoryReadDatabase {
    /// An empty database.
    pub fn new() -> Self {
        Self::default()
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        // Nothing below panics between two changes that belong together.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadDatabase for MemoryReadDatabase {
    async fn open(&self, spec: TableSpec) -> Result<TableState, ReadDatabaseError> {
        spec.check_key()?;
        let mut contents = self.contents();
        let id = match contents.find(spec, false) {
            Some(found) => found.table.id,
            None => contents.create(spec, false),
        };
        contents.state(id, spec.full_name())
    }

    async fn state(&self, table: Table) -> Result<TableState, ReadDatabaseError> {
        self.contents().state(table.id, table.spec.full_name())
    }

    async fn checkpoint(&self, table: Table) -> Result<Checkpoint, ReadDatabaseError> {
        self.contents().checkpoint(table)
    }

    async fn load(
        &self,
        table: Table,
        keys: Vec<RowValues>,
    ) -> Result<Vec<RowValues>, ReadDatabaseError> {
        self.contents().load(table, &keys)
    }

    async fn load_matching(
        &self,
        table: Table,
        condition: Condition,
        limit: usize,
    ) -> Result<Vec<RowValues>, ReadDatabaseError> {
        let query = Query { limit, ..Query::all(condition) };
        query.check(&table.spec)?;
        let contents = self.contents();
        Ok(contents.table(table.id, table.spec.full_name())?.find(&query))
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, ReadDatabaseError> {
        Ok(self.contents().commit(commit))
    }

    async fn claim(&self, table: Table, runner: Uuid) -> Result<TableState, ReadDatabaseError> {
        let mut contents = self.contents();
        if let Some(found) = contents.tables.get_mut(&table.id) {
            found.runner = Some(runner);
            found.revision += 1;
        }
        contents.state(table.id, table.spec.full_name())
    }

    async fn get(
        &self,
        table: Table,
        key: RowValues,
    ) -> Result<Option<RowValues>, ReadDatabaseError> {
        Ok(self.contents().complete(table)?.rows.get(&key).cloned())
    }

    async fn page(
        &self,
        table: Table,
        after: Option<RowValues>,
        limit: usize,
    ) -> Result<Vec<RowValues>, ReadDatabaseError> {
        let contents = self.contents();
        let rows = &contents.complete(table)?.rows;
        let beyond = |key: &RowValues| after.as_ref().is_none_or(|after| key > after);
        Ok(match &after {
            Some(after) => rows.range(after.clone()..),
            None => rows.range(RowValues::new()..),
        }
        .filter(|(key, _)| beyond(key))
        .take(limit)
        .map(|(_, row)| row.clone())
        .collect())
    }

    async fn find(&self, table: Table, query: Query) -> Result<Vec<RowValues>, ReadDatabaseError> {
        query.check(&table.spec)?;
        Ok(self.contents().complete(table)?.find(&query))
    }

    async fn summarize(
        &self,
        table: Table,
        summary: Summary,
    ) -> Result<Vec<RowValues>, ReadDatabaseError> {
        let spec = table.spec;
        let columns = summary.columns(&spec)?;
        let query = Query::all(summary.condition.clone());
        let rows = self.contents().complete(table)?.find(&query);
        let place = |column: &&Column| spec.columns.iter().position(|it| it.name == column.name);
        let places: Vec<usize> = columns.iter().filter_map(place).collect();
        let read = |row: &RowValues| places.iter().filter_map(|at| row.get(*at).cloned()).collect();
        let mut rows: Vec<RowValues> = rows.iter().map(read).collect();
        rows.sort_by(|left, right| summary.compare_groups(left, right));
        summary.answer(&spec, rows.into_iter().map(Ok))
    }

    async fn count(&self, table: Table) -> Result<u64, ReadDatabaseError> {
        Ok(self.contents().complete(table)?.rows.len() as u64)
    }

    async fn begin_rebuild(&self, spec: TableSpec) -> Result<TableState, ReadDatabaseError> {
        let mut contents = self.contents();
        if let Some(cut_off) = contents.find(spec, true).map(|found| found.table.id) {
            contents.tables.remove(&cut_off);
        }
        let id = contents.create(spec, true);
        contents.state(id, spec.full_name())
    }

    async fn finish_rebuild(
        &self,
        shadow: Table,
        revision: u64,
        left_out: Vec<Position>,
    ) -> Result<Switched, ReadDatabaseError> {
        Ok(self.contents().finish_rebuild(shadow, revision, &left_out)?.0)
    }

    async fn abandon_rebuild(&self, shadow: Table) -> Result<(), ReadDatabaseError> {
        if shadow.shadow {
            self.contents().abandon(shadow.id);
        }
        Ok(())
    }

    async fn skips(&self, table: Table) -> Result<Vec<Skip>, ReadDatabaseError> {
        let contents = self.contents();
        let skips = contents.skips.get(&identity(&table.spec));
        Ok(skips.into_iter().flat_map(BTreeMap::values).cloned().collect())
    }

    async fn versions(&self) -> Result<Vec<RowsVersion>, ReadDatabaseError> {
        Ok(self.contents().versions())
    }

    async fn discard(&self, version: &RowsVersion) -> Result<bool, ReadDatabaseError> {
        Ok(self.contents().discard(version))
    }

    fn within<'a>(
        &self,
        transaction: &'a dyn AppendTransaction,
    ) -> Result<Box<dyn ReadTransaction + 'a>, String> {
        match transaction.database().downcast_ref() {
            Some(undo) => Ok(Box::new(MemoryTransaction { rows: self.clone(), undo })),
            None => {
                Err("its rows lie in memory and its events don't, so that no transaction holds \
                         both; give it a read database on the event store's file"
                    .to_owned())
            }
        }
    }
}

/// The same rows, seen from within an append to a store in memory.
struct MemoryTransaction<'a> {
    rows: MemoryReadDatabase,
    undo: &'a UndoLog,
}

impl ReadTransaction for MemoryTransaction<'_> {
    fn state(&self, table: Table) -> Result<TableState, ReadDatabaseError> {
        self.rows.contents().state(table.id, table.spec.full_name())
    }

    fn checkpoint(&self, table: Table) -> Result<Checkpoint, ReadDatabaseError> {
        self.rows.contents().checkpoint(table)
    }

    fn load(&self, table: Table, keys: &[RowValues]) -> Result<Vec<RowValues>, ReadDatabaseError> {
        self.rows.contents().load(table, keys)
    }

    fn commit(&self, commit: Commit) -> Result<Committed, ReadDatabaseError> {
        let mut contents = self.rows.contents();
        let before = contents.before(&commit);
        let committed = contents.commit(commit);
        if let (Committed::Done, Some(before)) = (committed, before) {
            let rows = self.rows.clone();
            self.undo.push(move || rows.contents().put_back(before));
        }
        Ok(committed)
    }

    fn finish_rebuild(
        &self,
        shadow: Table,
        revision: u64,
        left_out: &[Position],
    ) -> Result<Switched, ReadDatabaseError> {
        let (switched, before) = self.rows.contents().finish_rebuild(shadow, revision, left_out)?;
        if let Some(before) = before {
            let rows = self.rows.clone();
            self.undo.push(move || rows.contents().switch_back(before));
        }
        Ok(switched)
    }
}

impl Contents {
    fn create(&mut self, spec: TableSpec, shadow: bool) -> u64 {
        self.last_id += 1;
        let table = MemoryTable {
            table: Table { spec, id: self.last_id, shadow },
            position: 0,
            seen: None,
            revision: 0,
            complete: false,
            runner: None,
            poison: BTreeMap::new(),
            rows: BTreeMap::new(),
        };
        self.tables.insert(self.last_id, table);
        self.last_id
    }

    fn abandon(&mut self, shadow: u64) {
        match self.tables.get_mut(&shadow).filter(|it| it.stopped_by().is_some()) {
            Some(stopped) => stopped.empty(),
            None => {
                self.tables.remove(&shadow);
            }
        }
    }

    fn find(&self, spec: TableSpec, shadow: bool) -> Option<&MemoryTable> {
        self.tables.values().find(|found| {
            let found = &found.table;
            found.shadow == shadow && identity(&found.spec) == identity(&spec)
        })
    }

    fn versions(&self) -> Vec<RowsVersion> {
        let serving = self.tables.values().filter(|it| !it.table.shadow);
        let shows = |it: &MemoryTable| {
            let complete = self.tables.values().rev().filter(|it| it.complete && !it.table.shadow);
            let mut newest = complete.filter(|other| other.table.spec.name == it.table.spec.name);
            newest.next().is_some_and(|newest| newest.table.id == it.table.id)
        };
        let version = |it: &MemoryTable| RowsVersion {
            aggregate: it.table.spec.aggregate.to_owned(),
            projection: it.table.spec.projection.to_owned(),
            target: it.table.spec.name.to_owned(),
            meaning: it.table.spec.meaning,
            position: it.position,
            complete: it.complete,
            shown: shows(it),
        };
        serving.map(version).collect()
    }

    fn discard(&mut self, version: &RowsVersion) -> bool {
        let RowsVersion { aggregate, projection, target, meaning, .. } = version;
        let before = self.tables.len();
        let is_it = |of: &Identity| *of == (&**aggregate, &**projection, &**target, *meaning);
        self.tables.retain(|_, it| !is_it(&identity(&it.table.spec)));
        self.skips.retain(|of, _| !is_it(of));
        self.tables.len() < before
    }

    fn serving(&self, spec: TableSpec) -> Result<&MemoryTable, ReadDatabaseError> {
        self.find(spec, false).ok_or(ReadDatabaseError::Gone(spec.full_name()))
    }

    fn complete(&self, table: Table) -> Result<&MemoryTable, ReadDatabaseError> {
        let projection = table.spec.full_name();
        let found = self.table(table.id, projection)?;
        match found.complete {
            true => Ok(found),
            false => Err(ReadDatabaseError::BeingBuilt { projection, position: found.position }),
        }
    }

    fn table(
        &self,
        id: u64,
        projection: ProjectionName,
    ) -> Result<&MemoryTable, ReadDatabaseError> {
        self.tables.get(&id).ok_or(ReadDatabaseError::Gone(projection))
    }

    fn state(&self, id: u64, projection: ProjectionName) -> Result<TableState, ReadDatabaseError> {
        let found = self.table(id, projection)?;
        let spec = found.table.spec;
        let skips = self.skips.get(&identity(&spec));
        Ok(TableState {
            table: found.table,
            position: found.position,
            seen: found.seen,
            revision: found.revision,
            complete: found.complete,
            runner: found.runner,
            poison: found.poison.values().cloned().collect(),
            skipped: skips.into_iter().flat_map(|skips| skips.keys().copied()).collect(),
            rebuild_stopped_by: self.rebuild_stopped_by(spec).cloned(),
        })
    }

    /// The first event that stopped a rebuild and was not decided about.
    fn rebuild_stopped_by(&self, spec: TableSpec) -> Option<&Poison> {
        let skips = self.skips.get(&identity(&spec));
        let is_skipped = |it: &Poison| skips.is_some_and(|skips| skips.contains_key(&it.position));
        let mut poison = self.find(spec, true)?.poison.values();
        poison.find(|it| it.stops && !is_skipped(it))
    }

    fn checkpoint(&self, table: Table) -> Result<Checkpoint, ReadDatabaseError> {
        let found = self.table(table.id, table.spec.full_name())?;
        Ok(Checkpoint {
            position: found.position,
            revision: found.revision,
            complete: found.complete,
            runner: found.runner,
            poison: found.poison.len() as u64,
        })
    }

    fn load(&self, table: Table, keys: &[RowValues]) -> Result<Vec<RowValues>, ReadDatabaseError> {
        let rows = &self.table(table.id, table.spec.full_name())?.rows;
        Ok(keys.iter().filter_map(|key| rows.get(key)).cloned().collect())
    }

    fn commit(&mut self, commit: Commit) -> Committed {
        let Commit { table, revision, .. } = commit;
        let Some(found) = self.tables.get_mut(&table.id).filter(|it| it.revision == revision)
        else {
            return Committed::Moved;
        };
        if commit.rows.iter().any(|change| found.collides(change)) {
            return Committed::RowExists;
        }
        found.position = commit.position;
        found.seen = commit.seen;
        found.revision += 1;
        found.complete = commit.complete;
        found.runner = commit.runner;
        for change in commit.rows {
            found.change(change);
        }
        for released in &commit.released {
            found.poison.remove(released);
        }
        found.poison.extend(commit.poison.into_iter().map(|poison| (poison.position, poison)));
        let skips = self.skips.entry(identity(&table.spec)).or_default();
        skips.extend(commit.skips.into_iter().map(|skip| (skip.position, skip)));
        Committed::Done
    }

    /// What the commit is going to change; nobody skips an event within an append.
    fn before(&self, commit: &Commit) -> Option<Before> {
        let found = self.tables.get(&commit.table.id)?;
        let row = |change: &RowChange| {
            let key = found.key_of(change);
            let row = found.rows.get(&key).cloned();
            (key, row)
        };
        let poison = |it: &Poison| (it.position, found.poison.get(&it.position).cloned());
        let released = commit.released.iter().filter_map(|it| found.poison.get(it).cloned());
        Some(Before {
            id: commit.table.id,
            position: found.position,
            seen: found.seen,
            complete: found.complete,
            poison: commit.poison.iter().map(poison).collect(),
            released: released.collect(),
            rows: commit.rows.iter().map(row).collect(),
        })
    }

    /// Takes a commit back, and nothing else: an operator may have decided about another event meanwhile.
    /// Whoever has read its revision must notice.
    fn put_back(&mut self, before: Before) {
        let Some(found) = self.tables.get_mut(&before.id) else { return };
        found.position = before.position;
        found.seen = before.seen;
        found.revision += 1;
        found.complete = before.complete;
        for (position, replaced) in before.poison {
            // Poison that is gone by now was decided about, which holds.
            if found.poison.remove(&position).is_some() {
                found.poison.extend(replaced.map(|poison| (position, poison)));
            }
        }
        found.poison.extend(before.released.into_iter().map(|poison| (poison.position, poison)));
        for (key, row) in before.rows {
            match row {
                Some(row) => found.rows.insert(key, row),
                None => found.rows.remove(&key),
            };
        }
    }

    /// Puts a rebuilt table in the place of the one that serves; gives what takes that back, where it did.
    fn finish_rebuild(
        &mut self,
        shadow: Table,
        revision: u64,
        left_out: &[Position],
    ) -> Result<(Switched, Option<Switch>), ReadDatabaseError> {
        let serving = self.serving(shadow.spec)?;
        let (id, position) = (serving.table.id, serving.position);
        let is_it = |it: &&MemoryTable| it.table.shadow && it.revision == revision;
        let Some(rebuilt) = self.tables.get(&shadow.id).filter(is_it) else {
            return Ok((Switched::Moved, None));
        };
        if rebuilt.position < position {
            return Ok((Switched::Behind, None));
        }
        let projection = shadow.spec.full_name();
        let (rebuilt, served) = (self.state(shadow.id, projection)?, self.state(id, projection)?);
        if !served.skips_only(left_out) {
            return Ok((Switched::Decided, None));
        }
        match rebuilt.lacking(&served).is_empty() {
            true => Ok((Switched::Done, self.switch(shadow, id))),
            false => Ok((Switched::Lacking, None)),
        }
    }

    fn switch(&mut self, shadow: Table, serving: u64) -> Option<Switch> {
        let rebuilt = self.tables.remove(&shadow.id)?;
        let served = self.tables.remove(&serving)?;
        let shadow_complete = rebuilt.complete;
        let table = Table { spec: shadow.spec, id: serving, shadow: false };
        let revision = served.revision + 1;
        let (complete, runner) = (true, served.runner);
        self.tables.insert(serving, MemoryTable { table, revision, complete, runner, ..rebuilt });
        Some(Switch { shadow, shadow_complete, served })
    }

    /// Takes a switch back. Whoever has read a revision must notice.
    fn switch_back(&mut self, before: Switch) {
        let Switch { shadow, shadow_complete: complete, mut served } = before;
        let Some(rebuilt) = self.tables.remove(&served.table.id) else { return };
        served.revision = rebuilt.revision + 1;
        self.tables.insert(served.table.id, served);
        self.tables.insert(shadow.id, MemoryTable { table: shadow, complete, ..rebuilt });
    }
}

#[cfg(test)]
mod tests;
