//! The attention layers in burn: the same function as the network's own, for gradients.

use super::{BARRED, Graph, StateBatch};
use burn::tensor::Tensor;
use burn::tensor::activation::{relu, softmax};

/// Queries or keys of every state: `[states · rows, width]`.
struct Rows {
    values: Tensor<2>,
    rows: usize,
}

impl Graph<'_> {
    /// The set part of the scores, `[S, M]`.
    pub(super) fn attention(&self, batch: &StateBatch, heads: usize) -> Tensor<2> {
        let (s, m) = (batch.states, batch.width);
        let (h, layers) = (self.network.config().hidden, self.network.config().layers);
        let items = batch.features.clone().matmul(self.leaf("embed.item")).reshape([s, m, h]);
        let shared = batch.globals.clone().matmul(self.leaf("embed.global")).reshape([s, 1, h]);
        let mut now = Rows { values: relu((items + shared).reshape([s * m, h])), rows: m };
        // What padding holds is barred from being gathered; what it reads goes nowhere.
        let barred = (batch.valid.clone().neg() + 1.0).mul_scalar(BARRED).reshape([s, 1, 1, m]);
        for layer in 0..layers {
            let inducing = self.leaf(&format!("isab.{layer}.inducing"));
            let points = inducing.dims()[0];
            let copies = inducing.reshape([1, points, h]).expand([s, points, h]).reshape([s * points, h]);
            let step = |part: &str, queries: &Rows, keys: &Rows, bars: Option<Tensor<4>>| {
                self.step(&format!("isab.{layer}.{part}"), (s, heads), queries, keys, bars)
            };
            let copies = Rows { values: copies, rows: points };
            let gathered = step("gather", &copies, &now, Some(barred.clone()));
            now = step("read", &now, &gathered, None);
        }
        now.values.matmul(self.leaf("attention.out")).reshape([s, m])
    }

    fn step(
        &self,
        name: &str,
        (states, heads): (usize, usize),
        queries: &Rows,
        keys: &Rows,
        bars: Option<Tensor<4>>,
    ) -> Rows {
        let width = self.network.config().hidden;
        let project = |x: &Rows, part: &str| {
            x.values.clone().matmul(self.leaf(&format!("{name}.{part}.weight")))
                + self.leaf(&format!("{name}.{part}.bias"))
        };
        let split = |values: Tensor<2>, rows: usize| {
            values.reshape([states, rows, heads, width / heads]).swap_dims(1, 2)
        };
        let query = project(queries, "query");
        let (key, value) = (split(project(keys, "key"), keys.rows), split(project(keys, "value"), keys.rows));
        let mut logits =
            split(query.clone(), queries.rows).matmul(key.swap_dims(2, 3)).div_scalar((width as f32).sqrt());
        if let Some(bars) = bars {
            logits = logits + bars;
        }
        let read = softmax(logits, 3).matmul(value).swap_dims(1, 2);
        let sums = query + read.reshape([states * queries.rows, width]);
        let sums = Rows { values: sums, rows: queries.rows };
        let hidden = relu(project(&sums, "out"));
        Rows { values: sums.values + hidden, rows: queries.rows }
    }
}
