//! Many changes of a trie at once.

use std::borrow::Cow;

use alloy_primitives::map::HashMap;
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};

use super::{Node, NodeSource, Ref};
use crate::state::StateError;

/// One key with its new value, or without one.
pub(crate) type Update = (Nibbles, Option<Bytes>);

/// A node that changed: what was stored at its path and what is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeChange {
    pub(crate) path: Nibbles,
    pub(crate) old: Option<Bytes>,
    pub(crate) new: Option<Bytes>,
}

/// What became of a trie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrieChanges {
    pub(crate) root: B256,
    pub(crate) nodes: Vec<NodeChange>,
}

/// Applies `updates` (sorted by key, no key twice, no key the prefix of another) to the trie with `root`.
pub(crate) fn update(source: &impl NodeSource, root: B256, updates: &[Update]) -> Result<TrieChanges, StateError> {
    debug_assert!(updates.windows(2).all(|pair| pair[0].0 < pair[1].0), "updates are sorted and distinct");
    let mut work = Work { source, touched: HashMap::default() };
    let top = Nibbles::new();
    let node = if root == EMPTY_ROOT_HASH { None } else { Some(work.load(&top)?) };
    let root = match work.apply(top, node, updates)? {
        None => EMPTY_ROOT_HASH,
        Some(node) => {
            // The root is stored and hashed however short it is.
            let encoded = Bytes::from(node.encode());
            let hash = keccak256(&encoded);
            work.put(top, encoded);
            hash
        }
    };
    let mut nodes: Vec<_> = work
        .touched
        .into_iter()
        .filter(|(_, (old, new))| old != new)
        .map(|(path, (old, new))| NodeChange { path, old, new })
        .collect();
    nodes.sort_unstable_by_key(|change| change.path);
    Ok(TrieChanges { root, nodes })
}

struct Work<'a, S> {
    source: &'a S,
    /// Of each path that was read or written: what the source has, and what is to be there. A node that is read is
    /// taken out, and put back (perhaps changed) when its parent is done with it.
    touched: HashMap<Nibbles, (Option<Bytes>, Option<Bytes>)>,
}

impl<S: NodeSource> Work<'_, S> {
    fn load(&mut self, path: &Nibbles) -> Result<Node, StateError> {
        let encoded = match self.touched.get_mut(path) {
            Some((_, new)) => new.take(),
            None => {
                let old = self.source.node(path)?;
                self.touched.insert(*path, (old.clone(), None));
                old
            }
        };
        let encoded = encoded.ok_or_else(|| StateError::MissingNode { path: format!("{path:?}") })?;
        Node::decode(&encoded).map_err(|error| StateError::damaged("trie node", error))
    }

    fn resolve(&mut self, path: &Nibbles, child: &Ref) -> Result<Option<Node>, StateError> {
        match child {
            Ref::Empty => Ok(None),
            Ref::Hash(_) => self.load(path).map(Some),
            Ref::Inline(len, bytes) => Node::decode(&bytes[..usize::from(*len)])
                .map(Some)
                .map_err(|error| StateError::damaged("trie node", error)),
        }
    }

    fn put(&mut self, path: Nibbles, encoded: Bytes) {
        self.touched.entry(path).or_default().1 = Some(encoded);
    }

    /// Stores a finished node that has a parent and gives how the parent names it.
    fn seal(&mut self, path: Nibbles, node: &Node) -> Ref {
        let encoded = node.encode();
        let reference = Ref::to(&encoded);
        if let Ref::Hash(_) = reference {
            self.put(path, encoded.into());
        }
        reference
    }

    fn apply(&mut self, at: Nibbles, node: Option<Node>, updates: &[Update]) -> Result<Option<Node>, StateError> {
        if updates.is_empty() {
            return Ok(node);
        }
        match node {
            None => {
                let kept: Vec<_> = updates.iter().filter(|(_, value)| value.is_some()).cloned().collect();
                Ok(self.build(at, &kept))
            }
            Some(Node::Leaf(path, value)) => {
                let key = at.join(&path);
                let mut kept: Vec<_> = updates.iter().filter(|(_, value)| value.is_some()).cloned().collect();
                if updates.binary_search_by(|(other, _)| other.cmp(&key)).is_err() {
                    let place = kept.partition_point(|(other, _)| *other < key);
                    kept.insert(place, (key, Some(value)));
                }
                Ok(self.build(at, &kept))
            }
            Some(Node::Extension(path, child)) => self.apply_to_extension(at, path, child, updates),
            Some(Node::Branch(children)) => self.apply_to_branch(at, children, updates),
        }
    }

    /// A new trie of sorted `entries` whose keys begin with `at`.
    fn build(&mut self, at: Nibbles, entries: &[Update]) -> Option<Node> {
        let (first, last) = (entries.first()?, entries.last()?);
        if entries.len() == 1 {
            return Some(Node::Leaf(first.0.slice(at.len()..), first.1.clone().unwrap_or_default()));
        }
        let shared = first.0.common_prefix_length(&last.0);
        let here = first.0.slice(..shared);
        let mut children = Box::new([Ref::Empty; 16]);
        for group in entries.chunk_by(|a, b| a.0.get_unchecked(shared) == b.0.get_unchecked(shared)) {
            let nibble = group[0].0.get_unchecked(shared);
            let mut below = here;
            below.push(nibble);
            if let Some(node) = self.build(below, group) {
                children[usize::from(nibble)] = self.seal(below, &node);
            }
        }
        let branch = Node::Branch(children);
        if shared == at.len() {
            return Some(branch);
        }
        let child = self.seal(here, &branch);
        Some(Node::Extension(first.0.slice(at.len()..shared), child))
    }

    fn apply_to_extension(
        &mut self,
        at: Nibbles,
        path: Nibbles,
        child: Ref,
        updates: &[Update],
    ) -> Result<Option<Node>, StateError> {
        let next = at.join(&path);
        // Removing what lies beside the extension removes nothing.
        let idle = |(key, value): &Update| value.is_none() && !key.starts_with(&next);
        let updates: Cow<'_, [Update]> = match updates.iter().any(idle) {
            true => updates.iter().filter(|update| !idle(update)).cloned().collect(),
            false => Cow::Borrowed(updates),
        };
        let shared = updates.iter().map(|(key, _)| key.common_prefix_length(&next)).min().unwrap_or(next.len());
        if shared >= next.len() {
            let below = self.resolve(&next, &child)?;
            let below = self.apply(next, below, &updates)?;
            return Ok(self.prefix(path, next, below));
        }
        // The extension splits: up to `shared` it stays, then a branch, then what is left of it.
        let nibble = next.get_unchecked(shared);
        let rest = next.slice(shared + 1..);
        let below =
            if rest.is_empty() { child } else { self.seal(next.slice(..shared + 1), &Node::Extension(rest, child)) };
        let mut children = Box::new([Ref::Empty; 16]);
        children[usize::from(nibble)] = below;
        let here = next.slice(..shared);
        let branch = self.apply_to_branch(here, children, &updates)?;
        Ok(self.prefix(here.slice(at.len()..), here, branch))
    }

    /// `node`, which stands at `at`, as seen from `path` nibbles further up.
    fn prefix(&mut self, path: Nibbles, at: Nibbles, node: Option<Node>) -> Option<Node> {
        if path.is_empty() {
            return node;
        }
        Some(match node? {
            Node::Leaf(rest, value) => Node::Leaf(path.join(&rest), value),
            Node::Extension(rest, child) => Node::Extension(path.join(&rest), child),
            branch @ Node::Branch(_) => {
                let child = self.seal(at, &branch);
                Node::Extension(path, child)
            }
        })
    }

    fn apply_to_branch(
        &mut self,
        at: Nibbles,
        mut children: Box<[Ref; 16]>,
        updates: &[Update],
    ) -> Result<Option<Node>, StateError> {
        for group in updates.chunk_by(|a, b| a.0.get_unchecked(at.len()) == b.0.get_unchecked(at.len())) {
            let nibble = group[0].0.get_unchecked(at.len());
            let mut below = at;
            below.push(nibble);
            let node = self.resolve(&below, &children[usize::from(nibble)])?;
            children[usize::from(nibble)] = match self.apply(below, node, group)? {
                Some(node) => self.seal(below, &node),
                None => Ref::Empty,
            };
        }
        let mut left = (0u8..16).filter(|nibble| children[usize::from(*nibble)] != Ref::Empty);
        match (left.next(), left.next()) {
            (None, _) => Ok(None),
            (Some(nibble), None) => {
                let mut below = at;
                below.push(nibble);
                let node = self.resolve(&below, &children[usize::from(nibble)])?;
                Ok(self.prefix(Nibbles::from_nibbles([nibble]), below, node))
            }
            _ => Ok(Some(Node::Branch(children))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use alloy_trie::HashBuilder;
    use proptest::prelude::*;

    use super::*;

    fn reference_root(entries: &BTreeMap<Nibbles, Bytes>) -> B256 {
        let mut builder = HashBuilder::default();
        entries.iter().for_each(|(key, value)| builder.add_leaf(*key, value));
        builder.root()
    }

    /// Few nibbles in use, so that extensions, splits, merges and short nodes occur; long keys that differ late too.
    fn key() -> impl Strategy<Value = Nibbles> {
        (proptest::collection::vec(0u8..3, 6), proptest::bool::ANY).prop_map(|(mut head, late)| {
            if late {
                let mut key = vec![1; 58];
                key.append(&mut head);
                return Nibbles::from_nibbles(key);
            }
            head.resize(64, 2);
            Nibbles::from_nibbles(head)
        })
    }

    proptest! {
        #[test]
        fn any_changes_give_the_root_of_what_is_left(
            rounds in proptest::collection::vec(
                proptest::collection::btree_map(key(), proptest::option::weighted(0.6, 1usize..40), 0..20), 1..8),
        ) {
            let mut nodes: HashMap<Nibbles, Bytes> = HashMap::new();
            let mut entries = BTreeMap::new();
            let mut root = EMPTY_ROOT_HASH;
            for round in rounds {
                let updates: Vec<Update> =
                    round.into_iter().map(|(key, len)| (key, len.map(|len| Bytes::from(vec![len as u8; len])))).collect();
                let before = nodes.clone();
                let changes = update(&nodes, root, &updates).unwrap();
                for change in &changes.nodes {
                    prop_assert_eq!(before.get(&change.path), change.old.as_ref());
                    match &change.new {
                        Some(new) => nodes.insert(change.path, new.clone()),
                        None => nodes.remove(&change.path),
                    };
                }
                for (key, value) in updates {
                    match value {
                        Some(value) => entries.insert(key, value),
                        None => entries.remove(&key),
                    };
                }
                root = changes.root;
                prop_assert_eq!(root, reference_root(&entries));
                // Nothing is left behind: what is stored is what a trie made anew would store.
                let all: Vec<Update> = entries.iter().map(|(key, value)| (*key, Some(value.clone()))).collect();
                let anew = update(&HashMap::new(), EMPTY_ROOT_HASH, &all).unwrap();
                let anew: HashMap<_, _> = anew.nodes.into_iter().map(|change| (change.path, change.new.unwrap())).collect();
                prop_assert_eq!(&nodes, &anew);
                for key in entries.keys() {
                    let proof = super::super::prove(&nodes, root, key).unwrap();
                    alloy_trie::proof::verify_proof(root, *key, Some(entries[key].to_vec()), &proof).unwrap();
                }
            }
        }
    }
}
