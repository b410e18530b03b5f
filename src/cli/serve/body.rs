//! Bodies of requests: each has its cap, and all together have one, so that many clients cannot fill the memory.

use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::codec::form::MAX_BODY;

/// What is known of the body of a request.
pub(super) enum Read {
    Nothing,
    Whole(Kept),
    TooLarge,
}

/// A body in memory.
#[derive(Default)]
pub(super) struct Kept {
    pub bytes: Vec<u8>,
    /// Its share of [`Bodies`].
    held: Option<OwnedSemaphorePermit>,
}

/// Why a body could not be read.
pub(super) enum Unread {
    /// The client went away, or sent what is no body.
    Cut,
    /// Others fill the memory.
    Full,
}

/// The memory for all bodies: a permit for each byte.
pub(super) struct Bodies(Arc<Semaphore>);

impl Bodies {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ALL)))
    }

    /// Bytes of bodies in memory.
    pub(super) fn size(&self) -> usize {
        ALL - self.0.available_permits()
    }

    /// Reads a body. Memory is taken as it arrives: who announces much and sends little keeps nobody out.
    pub(super) async fn read(&self, mut body: Incoming) -> Result<Read, Unread> {
        let most = u64::try_from(MAX_BODY).unwrap_or(u64::MAX);
        if body.size_hint().lower() > most {
            return Ok(Read::TooLarge); // it says so itself
        }
        let mut kept = Kept::default();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Unread::Cut)?.into_data() else { continue }; // trailers
            if kept.bytes.len() + data.len() > MAX_BODY {
                return Ok(Read::TooLarge);
            }
            let share = u32::try_from(data.len()).map_err(|_| Unread::Full)?;
            let share = self.0.clone().try_acquire_many_owned(share).map_err(|_| Unread::Full)?;
            match &mut kept.held {
                Some(held) => held.merge(share),
                none => *none = Some(share),
            }
            kept.bytes.extend_from_slice(&data);
        }
        Ok(Read::Whole(kept))
    }
}

/// Twenty-five of the largest, or hundreds of thousands of login forms.
const ALL: usize = 64 << 20;
