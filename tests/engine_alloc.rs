//! The training loop allocates nothing: a hundred times the steps, the same number of allocations.
//!
//! A binary of its own, because the counting allocator sees everything that its process does.

use querist::Key;
use querist::arch::{Block, NetSpec};
use querist::data::Matrix;
use querist::learner::{Bank, Loss, ModelData, Optimiser, Start, Stop, TrainPlan};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every call to the system's allocator as it came; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the layout is the caller's.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the block came from `alloc` above, so from the system, and the layout is the caller's.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn the_training_loop_does_not_allocate() {
    let blocks = vec![Block::Dense { width: 9 }, Block::Residual { width: 9 }, Block::Residual { width: 5 }];
    let spec = NetSpec::new(6, blocks, 3, 0.2).unwrap();
    let inputs = Matrix::new((0..600).map(|i| (i % 13) as f32 * 0.1 - 0.6).collect(), 100, 6);
    let rows: Vec<u32> = (0..100).collect();
    let labels: Vec<u32> = (0..100).map(|row| row % 3).collect();
    let held = (&rows[..20], &labels[..20]);
    let model =
        ModelData { inputs: inputs.view(), rows: &rows, labels: &labels, validation: held, extra: None };
    // Side by side, and one at a time.
    for models in [16, 1] {
        let mut bank = Bank::new(&spec, models).unwrap();
        let data = vec![model; models];
        let keys: Vec<_> = (0..models as u64).map(|model| Key::root(1).at(model)).collect();
        let mut allocations = |epochs: u32| {
            let plan = TrainPlan {
                loss: Loss::CrossEntropy,
                optimiser: Optimiser::Adam,
                learning_rate: 1e-3,
                weight_decay: 1e-4,
                batch: 30,
                drop_last: false,
                stop: Stop::Validation { epochs, patience: epochs },
                start: Start::Scratch,
            };
            let before = COUNT.load(Ordering::Relaxed);
            let reports = bank.fit(&data, &plan, &keys).unwrap();
            assert!(reports.iter().all(|report| report.steps == 4 * epochs));
            COUNT.load(Ordering::Relaxed) - before
        };
        let first = allocations(3);
        let few = allocations(3);
        assert_eq!(few, allocations(300), "{models} networks");
        // Working memory is kept from fit to fit.
        assert!(few < first, "{few} after {first}");
    }
}
