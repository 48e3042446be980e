//! `local` ordering: one process, group commit.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::{Application, OrderError, limits};

type Answer<A> = Result<<A as Application>::Outcome, OrderError<<A as Application>::Fatal>>;

struct Waiting<A: Application> {
    submission: A::Submission,
    answer: SyncSender<Answer<A>>,
}

/// Orders submissions of one process. While a block is being made durable further submissions
/// gather and become the next one: the slower the disk, the larger the groups.
pub struct Local<A: Application> {
    queue: Mutex<Option<SyncSender<Waiting<A>>>>,
    worker: Mutex<Option<JoinHandle<A>>>,
    /// Set by the worker before it ends on a fatal answer, so that later callers learn why.
    fatal: Arc<Mutex<Option<A::Fatal>>>,
}

/// A submission under way.
pub struct Ticket<A: Application> {
    answer: Receiver<Answer<A>>,
    fatal: Arc<Mutex<Option<A::Fatal>>>,
}

impl<A: Application> Ticket<A> {
    /// Waits until the block that holds the submission is durable.
    ///
    /// # Errors
    /// [`OrderError::Stopped`] or [`OrderError::Fatal`]; the submission may then stand in the log
    /// or not: reopen and look for its idempotency tag.
    pub fn wait(self) -> Answer<A> {
        self.answer.recv().unwrap_or_else(|_| Err(reason(&self.fatal)))
    }
}

fn reason<F: std::error::Error + Clone>(fatal: &Mutex<Option<F>>) -> OrderError<F> {
    let known = fatal.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    known.clone().map_or(OrderError::Stopped, OrderError::Fatal)
}

impl<A: Application> Local<A> {
    /// Starts ordering for an application, which moves into the ordering's thread.
    #[must_use]
    pub fn start(application: A) -> Self {
        Self::start_with(application, limits::QUEUE_MAX, limits::GROUP_MAX)
    }

    /// As [`Local::start`], with other bounds than the usual ones.
    #[must_use]
    pub fn start_with(mut application: A, queue_max: usize, group_max: usize) -> Self {
        let (sender, receiver) = sync_channel::<Waiting<A>>(queue_max);
        let fatal = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&fatal);
        let worker = std::thread::spawn(move || {
            while let Ok(first) = receiver.recv() {
                let mut group = vec![first];
                while group.len() < group_max
                    && let Ok(next) = receiver.try_recv()
                {
                    group.push(next);
                }
                if !finalise(&mut application, group, &seen) {
                    break;
                }
            }
            application
        });
        Self { queue: Mutex::new(Some(sender)), worker: Mutex::new(Some(worker)), fatal }
    }

    /// Hands over a submission; never blocks.
    ///
    /// # Errors
    /// [`OrderError::Busy`] where the queue is full, else as [`Ticket::wait`].
    pub fn submit(&self, submission: A::Submission) -> Result<Ticket<A>, OrderError<A::Fatal>> {
        let (answer, receiver) = sync_channel(1);
        let queue = self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(sender) = queue.as_ref() else { return Err(reason(&self.fatal)) };
        match sender.try_send(Waiting { submission, answer }) {
            Ok(()) => Ok(Ticket { answer: receiver, fatal: Arc::clone(&self.fatal) }),
            Err(TrySendError::Full(_)) => Err(OrderError::Busy(limits::QUEUE_MAX)),
            Err(TrySendError::Disconnected(_)) => Err(reason(&self.fatal)),
        }
    }

    /// Orders what waits, then stops and gives the application back. `None` where it was stopped
    /// before, or where the ordering's thread ended by a panic.
    pub fn stop(&self) -> Option<A> {
        self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let worker = self.worker.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        worker.and_then(|worker| worker.join().ok())
    }
}

/// One group: true where ordering goes on.
fn finalise<A: Application>(
    application: &mut A,
    group: Vec<Waiting<A>>,
    fatal: &Mutex<Option<A::Fatal>>,
) -> bool {
    let (submissions, answers): (Vec<_>, Vec<_>) =
        group.into_iter().map(|waiting| (waiting.submission, waiting.answer)).unzip();
    match application.finalise(submissions) {
        Ok(outcomes) => {
            for (answer, outcome) in answers.iter().zip(outcomes) {
                // A submitter that went away does not wait for its answer.
                let _gone = answer.send(Ok(outcome));
            }
            true
        }
        Err(error) => {
            *fatal.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error.clone());
            for answer in answers {
                let _gone = answer.send(Err(OrderError::Fatal(error.clone())));
            }
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[derive(Debug, Clone, thiserror::Error)]
    #[error("the disk is gone")]
    struct Gone;

    /// Notes each group; the number 13 breaks it.
    struct Ledger {
        blocks: Vec<Vec<u32>>,
        pause: Duration,
    }

    impl Application for Ledger {
        type Submission = u32;
        type Outcome = (usize, u32);
        type Fatal = Gone;

        fn finalise(&mut self, group: Vec<u32>) -> Result<Vec<(usize, u32)>, Gone> {
            std::thread::sleep(self.pause);
            if group.contains(&13) {
                return Err(Gone);
            }
            let height = self.blocks.len();
            self.blocks.push(group.clone());
            Ok(group.into_iter().map(|n| (height, n)).collect())
        }
    }

    fn ledger(pause_ms: u64) -> Ledger {
        Ledger { blocks: Vec::new(), pause: Duration::from_millis(pause_ms) }
    }

    #[test]
    fn what_gathers_while_a_block_is_written_becomes_the_next_block() {
        let local = Local::start(ledger(20));
        let tickets: Vec<_> = (100..140).map(|n| local.submit(n).unwrap()).collect();
        for (n, ticket) in (100..140).zip(tickets) {
            assert_eq!(ticket.wait().unwrap().1, n);
        }
        let blocks = local.stop().unwrap().blocks;
        assert!(blocks.len() < 10, "40 submissions took {} blocks", blocks.len());
        assert_eq!(blocks.concat(), (100..140).collect::<Vec<_>>(), "in order, each once");
    }

    #[test]
    fn a_full_queue_refuses_and_loses_nothing_it_took() {
        let local = Local::start_with(ledger(20), 4, 2);
        let (mut taken, mut refused) = (Vec::new(), 0);
        for n in 100..130 {
            match local.submit(n) {
                Ok(ticket) => taken.push((n, ticket)),
                Err(OrderError::Busy(_)) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert!(refused > 0 && !taken.is_empty());
        for (n, ticket) in taken {
            assert_eq!(ticket.wait().unwrap().1, n);
        }
    }

    #[test]
    fn after_a_fatal_answer_nothing_is_ordered_and_everyone_learns_why() {
        let local = Local::start(ledger(0));
        assert!(matches!(local.submit(13).unwrap().wait(), Err(OrderError::Fatal(Gone))));
        let later = local.submit(1).and_then(Ticket::wait);
        assert!(matches!(later, Err(OrderError::Fatal(Gone))), "{later:?}");
        assert!(local.stop().unwrap().blocks.is_empty());
    }

    #[test]
    fn stopping_orders_what_waits_first() {
        let local = Local::start(ledger(5));
        let tickets: Vec<_> = (100..110).map(|n| local.submit(n).unwrap()).collect();
        assert_eq!(local.stop().unwrap().blocks.concat().len(), 10);
        assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
        assert!(matches!(local.submit(1), Err(OrderError::Stopped)));
    }
}
