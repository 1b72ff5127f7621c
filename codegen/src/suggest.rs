//! "Did you mean": the nearest of some names, where one is near enough to be meant.

/// The candidate that was most likely meant by `name`; none where none is near.
///
/// Case and underscores don't count as differences, so `account_id` finds `accountId`. Of equally
/// near candidates the first wins, so the answer depends on their order alone. Where none is near by its
/// letters, one that starts or ends with the name is.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    misspelt(name, candidates.iter().copied()).or_else(|| by_part(&folded(name), &candidates))
}

/// The candidate that `name` is but for a slip: near enough to be read as it, where [`nearest`] is a guess
/// to offer.
#[must_use]
pub fn misspelt<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    by_letters(name, &folded(name), &candidates)
}

fn by_letters<'a>(name: &str, wanted: &[char], candidates: &[&'a str]) -> Option<&'a str> {
    // One slip per three characters: `ammount` finds `amount`, but `id` does not find `at`.
    let limit = (wanted.len() / 3).clamp(1, 4);
    candidates
        .iter()
        .copied()
        .filter(|candidate| *candidate != name)
        .map(|candidate| (distance(wanted, &folded(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The shortest that is the name with something before or behind: `stat` finds `status`.
fn by_part<'a>(wanted: &[char], candidates: &[&'a str]) -> Option<&'a str> {
    const SHORTEST: usize = 4;
    let has_part = |candidate: &&&str| {
        let candidate = folded(candidate);
        candidate.len() > wanted.len()
            && (candidate.starts_with(wanted) || candidate.ends_with(wanted))
    };
    let longer = candidates.iter().filter(|_| wanted.len() >= SHORTEST).filter(has_part);
    longer.copied().min_by_key(|candidate| candidate.chars().count())
}

/// What is compared of a name. Long names are cut: nobody means a near miss of a whole page.
fn folded(name: &str) -> Vec<char> {
    name.chars().filter(|c| *c != '_' && *c != '-').flat_map(char::to_lowercase).take(64).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours between the two.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(from != to);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *from == b[j - 1] && a[i - 1] == *to {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{misspelt, nearest};

    #[test]
    fn a_slip_finds_the_name_and_a_stranger_finds_none() {
        let fields = ["amount", "accountId", "at", "balance"];
        assert_eq!(nearest("ammount", fields), Some("amount"));
        assert_eq!(nearest("amuont", fields), Some("amount"));
        assert_eq!(nearest("account_id", fields), Some("accountId"));
        assert_eq!(nearest("blance", fields), Some("balance"));
        assert_eq!(nearest("id", fields), None);
        assert_eq!(nearest("reason", fields), None);
        assert_eq!(nearest("", fields), None);
    }

    /// A scenario expected `CardAlreadyExists` and got a list of all refusals, in which
    /// `LoyaltyCardAlreadyExists` had to be found.
    #[test]
    fn a_part_finds_the_whole() {
        let refusals = ["TooMuch", "LoyaltyCardAlreadyExists", "LoyaltyCardNotFound"];
        assert_eq!(nearest("CardAlreadyExists", refusals), Some("LoyaltyCardAlreadyExists"));
        assert_eq!(nearest("stat", ["statusSince", "status"]), Some("status"));
        assert_eq!(nearest("NotFound", refusals), Some("LoyaltyCardNotFound"));
        assert_eq!(nearest("sta", ["status"]), None);
        assert_eq!(misspelt("stat", ["statusSince", "status"]), None, "a guess");
    }
}
