//! Texts, lists, sets and maps. Methods that change a value return the changed one.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use super::EvalError;

/// What has a [`length`].
pub trait Length {
    /// The length.
    fn length(&self) -> usize;
}

impl Length for str {
    /// Counts characters (Unicode scalar values), not bytes: `"Zoë"` has 3.
    fn length(&self) -> usize {
        self.chars().count()
    }
}

impl Length for String {
    fn length(&self) -> usize {
        self.as_str().length()
    }
}

impl<T> Length for [T] {
    fn length(&self) -> usize {
        self.len()
    }
}

impl<T> Length for Vec<T> {
    fn length(&self) -> usize {
        self.len()
    }
}

impl<T> Length for BTreeSet<T> {
    fn length(&self) -> usize {
        self.len()
    }
}

impl<K, V> Length for BTreeMap<K, V> {
    fn length(&self) -> usize {
        self.len()
    }
}

/// `x.len()`: the characters (Unicode scalar values) of a text, the items of a list, the members of a
/// set, the entries of a map.
pub fn length<T: Length + ?Sized>(value: &T) -> i64 {
    // Nothing in memory has more items than an i64 can count.
    i64::try_from(value.length()).unwrap_or(i64::MAX)
}

/// `a.concat(b)`: the two texts as one.
pub fn joined(a: &str, b: &str) -> String {
    [a, b].concat()
}

/// `list.push(item)`: the list with the item at its end.
pub fn pushed<T>(mut list: Vec<T>, item: T) -> Vec<T> {
    list.push(item);
    list
}

/// `list.extend(items)`: the list with the items at its end.
pub fn extended<T>(mut list: Vec<T>, items: Vec<T>) -> Vec<T> {
    list.extend(items);
    list
}

/// `list.get(index)`: the item at the index, counted from 0, or none.
pub fn item<T>(list: &[T], index: i64) -> Option<&T> {
    list.get(usize::try_from(index).ok()?)
}

/// `set.insert(member)`: the set with the member.
pub fn with_member<T: Ord>(mut set: BTreeSet<T>, member: T) -> BTreeSet<T> {
    set.insert(member);
    set
}

/// `set.remove(member)`: the set without the member.
pub fn without_member<T: Ord + Borrow<Q>, Q: Ord + ?Sized>(
    mut set: BTreeSet<T>,
    member: &Q,
) -> BTreeSet<T> {
    set.remove(member);
    set
}

/// `set.union(other)`: what is in either.
pub fn united<T: Ord>(mut set: BTreeSet<T>, other: BTreeSet<T>) -> BTreeSet<T> {
    set.extend(other);
    set
}

/// `set.intersection(other)`: what is in both.
pub fn shared<T: Ord>(mut set: BTreeSet<T>, other: &BTreeSet<T>) -> BTreeSet<T> {
    set.retain(|member| other.contains(member));
    set
}

/// `set.difference(other)`: what is not in the other.
pub fn remaining<T: Ord>(mut set: BTreeSet<T>, other: &BTreeSet<T>) -> BTreeSet<T> {
    set.retain(|member| !other.contains(member));
    set
}

/// `map.insert(key, value)`: the map with the value under the key, whatever was there.
pub fn with_entry<K: Ord, V>(mut map: BTreeMap<K, V>, key: K, value: V) -> BTreeMap<K, V> {
    map.insert(key, value);
    map
}

/// `map.remove(key)`: the map with nothing under the key.
pub fn without_entry<K: Ord + Borrow<Q>, V, Q: Ord + ?Sized>(
    mut map: BTreeMap<K, V>,
    key: &Q,
) -> BTreeMap<K, V> {
    map.remove(key);
    map
}

/// `map.keys()`: the keys in their order.
pub fn keys<K: Clone, V>(map: &BTreeMap<K, V>) -> Vec<K> {
    map.keys().cloned().collect()
}

/// `map.values()`: the values in the order of their keys.
pub fn values<K, V: Clone>(map: &BTreeMap<K, V>) -> Vec<V> {
    map.values().cloned().collect()
}

/// `map.map_values(|value| new)`: under each key what the function gives for the value.
pub fn mapped_values<K: Ord, V, U>(
    map: BTreeMap<K, V>,
    mut new: impl FnMut(V) -> U,
) -> BTreeMap<K, U> {
    map.into_iter().map(|(key, value)| (key, new(value))).collect()
}

/// [`mapped_values`] with a function that can fail.
///
/// # Errors
/// The function's for the first value for which it fails.
pub fn try_mapped_values<K: Ord, V, U>(
    map: BTreeMap<K, V>,
    mut new: impl FnMut(V) -> Result<U, EvalError>,
) -> Result<BTreeMap<K, U>, EvalError> {
    map.into_iter().map(|(key, value)| Ok((key, new(value)?))).collect()
}

/// `map.filter(|key, value| condition)`: the entries for which the condition holds.
pub fn kept_entries<K: Ord, V>(
    mut map: BTreeMap<K, V>,
    mut condition: impl FnMut(&K, &V) -> bool,
) -> BTreeMap<K, V> {
    map.retain(|key, value| condition(key, value));
    map
}

/// [`kept_entries`] with a condition that can fail.
///
/// # Errors
/// The condition's for the first entry for which it fails.
pub fn try_kept_entries<K: Ord, V>(
    map: BTreeMap<K, V>,
    mut condition: impl FnMut(&K, &V) -> Result<bool, EvalError>,
) -> Result<BTreeMap<K, V>, EvalError> {
    let mut kept = BTreeMap::new();
    for (key, value) in map {
        if condition(&key, &value)? {
            kept.insert(key, value);
        }
    }
    Ok(kept)
}
