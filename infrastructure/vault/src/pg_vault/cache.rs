//! Opened keys in memory: at most so many, at most so long.
//!
//! A key's time runs from when it was read, not from its last use, so the oldest is also the first to go and one queue
//! serves both bounds. A destroyed key is remembered as such and never replaced by a usable one: whoever read it just
//! before its destruction comes too late.
use super::SubjectPurpose;
use crate::sealed::DataKey;
use domain_kernel::SubjectId;
use domain_kernel::ports::Purpose;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Whether a key can be used.
#[derive(Clone, Debug)]
pub(super) enum KeyState {
    Usable(Arc<DataKey>),
    Destroyed,
}

/// A key and whose it is.
#[derive(Clone, Debug)]
pub(super) struct CachedKey {
    pub(super) subject: SubjectId,
    pub(super) purpose: Purpose,
    pub(super) state: KeyState,
}

pub(super) struct KeyCache {
    limit: usize,
    lifetime: Duration,
    keys: HashMap<Uuid, CachedKey>,
    ids: HashMap<SubjectPurpose, Uuid>,
    oldest_first: VecDeque<(Instant, Uuid)>,
}

impl KeyCache {
    pub(super) fn new(limit: usize, lifetime: Duration) -> Self {
        Self { limit, lifetime, keys: HashMap::new(), ids: HashMap::new(), oldest_first: VecDeque::new() }
    }

    pub(super) fn by_id(&mut self, now: Instant, id: Uuid) -> Option<CachedKey> {
        self.drop_expired(now);
        self.keys.get(&id).cloned()
    }

    pub(super) fn of_subject(&mut self, now: Instant, subject: SubjectPurpose) -> Option<KeyState> {
        self.drop_expired(now);
        self.keys.get(self.ids.get(&subject)?).map(|key| key.state.clone())
    }

    /// Keeps `key` and answers with what is kept: the one that was there when there was one.
    pub(super) fn insert(&mut self, now: Instant, id: Uuid, key: CachedKey) -> CachedKey {
        self.drop_expired(now);
        if let Some(kept) = self.keys.get_mut(&id) {
            if matches!(key.state, KeyState::Destroyed) {
                kept.state = KeyState::Destroyed;
            }
            return kept.clone();
        }
        if self.keys.len() >= self.limit {
            self.drop_oldest();
        }
        self.ids.insert((key.subject, key.purpose), id);
        self.keys.insert(id, key.clone());
        self.oldest_first.push_back((now, id));
        key
    }

    /// Marks a subject's key as destroyed, under the id that the database gave or the one that is known here.
    pub(super) fn destroy(&mut self, now: Instant, (subject, purpose): SubjectPurpose, id: Option<Uuid>) {
        if let Some(id) = id.or_else(|| self.ids.get(&(subject, purpose)).copied()) {
            self.insert(now, id, CachedKey { subject, purpose, state: KeyState::Destroyed });
        }
    }

    fn drop_expired(&mut self, now: Instant) {
        while let Some((since, _)) = self.oldest_first.front() {
            if now.saturating_duration_since(*since) < self.lifetime {
                break;
            }
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, id)) = self.oldest_first.pop_front()
            && let Some(key) = self.keys.remove(&id)
        {
            self.ids.remove(&(key.subject, key.purpose));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_secs(300);

    fn cache(limit: usize) -> KeyCache {
        KeyCache::new(limit, LIFETIME)
    }

    fn usable(number: u128) -> (Uuid, CachedKey) {
        let id = Uuid::from_u128(number);
        let state = KeyState::Usable(Arc::new(DataKey::new(id, &[0; 32])));
        (id, CachedKey { subject: SubjectId(id), purpose: Purpose::Contact, state })
    }

    fn subject(number: u128) -> SubjectPurpose {
        (SubjectId(Uuid::from_u128(number)), Purpose::Contact)
    }

    #[test]
    fn a_kept_key_is_found_by_id_and_by_subject() {
        let (mut cache, now) = (cache(2), Instant::now());
        let (id, key) = usable(1);
        cache.insert(now, id, key);
        assert!(cache.by_id(now, id).is_some());
        assert!(cache.of_subject(now, subject(1)).is_some());
        assert!(cache.of_subject(now, (SubjectId(id), Purpose::Clinical)).is_none());
    }

    #[test]
    fn a_key_is_dropped_when_its_time_is_over_however_often_it_was_used() {
        let (mut cache, start) = (cache(2), Instant::now());
        let (id, key) = usable(1);
        cache.insert(start, id, key);
        let last = start + LIFETIME - Duration::from_nanos(1);
        assert!(cache.by_id(last, id).is_some());
        let (_, again) = usable(1);
        cache.insert(last, id, again);
        assert!(cache.by_id(start + LIFETIME, id).is_none());
        assert!(cache.of_subject(start + LIFETIME, subject(1)).is_none());
    }

    #[test]
    fn the_oldest_key_makes_room() {
        let (mut cache, now) = (cache(2), Instant::now());
        for number in 1..=3 {
            let (id, key) = usable(number);
            cache.insert(now, id, key);
        }
        assert!(cache.of_subject(now, subject(1)).is_none());
        assert!(cache.of_subject(now, subject(2)).is_some() && cache.of_subject(now, subject(3)).is_some());
        assert_eq!((cache.keys.len(), cache.ids.len(), cache.oldest_first.len()), (2, 2, 2));
    }

    #[test]
    fn a_destroyed_key_never_becomes_usable_again() {
        let (mut cache, now) = (cache(2), Instant::now());
        let (id, key) = usable(1);
        cache.destroy(now, subject(1), Some(id));
        let kept = cache.insert(now, id, key);
        assert!(matches!(kept.state, KeyState::Destroyed));
        assert!(matches!(cache.of_subject(now, subject(1)), Some(KeyState::Destroyed)));
    }

    #[test]
    fn a_key_destroyed_elsewhere_is_destroyed_here_too() {
        let (mut cache, now) = (cache(2), Instant::now());
        let (id, key) = usable(1);
        cache.insert(now, id, key);
        cache.destroy(now, subject(1), None);
        assert!(matches!(cache.by_id(now, id), Some(CachedKey { state: KeyState::Destroyed, .. })));
    }
}
