//! [`KernelPca`]: every row of a pool as a few numbers, its kernel principal components, computed once per pool; [`KernelMap`]:
//! what makes them of a row, for rows that come later, too.
//!
//! Neighbour lists say what is near; a few components say where in the whole pool a row lies, and leave out what
//! sets it apart from all others. Rows that stand for the pool span them, so that time and memory are linear in the
//! pool's size.

use super::geometry::exponential::exp;
use super::geometry::{Rows, mean};
use crate::data::{MatrixView, RowId};
use crate::learner::bank::multiply_transposed;
use crate::simd::dispatched;
use nalgebra::{DMatrix, SymmetricEigen};

/// Components of each kernel.
pub const COMPONENTS: usize = 16;
/// Kernels; each is a similarity of its own.
pub const KERNELS: usize = 2;
/// Rows that stand for the pool, at most.
const LANDMARKS: usize = 128;
/// Rows that stand for the pool where coverage is measured, at most: enough of each class where there are a hundred.
const REPRESENTATIVES: usize = 512;
/// Rows per block of a product with the landmarks.
const BLOCK: usize = 1_024;
/// Pools of up to so many rows keep their similarities (at most 17 MB) from the first pass, which finds the axes, to the second, which
/// needs them; larger ones make them twice.
const KEPT_ROWS: usize = 16_384;
/// The least variance along a direction of the landmarks that is divided by: below it is rounding.
const LEAST_VARIANCE: f64 = 1e-3;
/// Sweeps after which an eigenvalue problem counts as not solvable; a good one takes about two per row.
const MOST_SWEEPS: usize = 100_000;

/// The first [`COMPONENTS`] kernel principal components (Schölkopf, Smola & Müller, Neural Computation 1998) of a
/// pool under two kernels, `exp(-s / m)` with `s` the squared distance of two rows and `m` its median: one
/// between the rows as they are, one between their directions from the pool's mean, in which a row's length does
/// not count.
///
/// Approximated from at most 128 rows, the landmarks (Williams & Seeger, NIPS 2000), that lie evenly spaced in the pool's order,
/// which says nothing about them. Beside them stand up to 512 representatives, spaced alike, of which every row knows how near they
/// are: coverage needs more of them than components do, since a row that is near none of them would be worth nothing. The squares of a row's components sum to at most about one. The unit of the
/// inputs does not matter.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelPca {
    landmarks: Vec<u32>,
    representatives: Vec<u32>,
    places: Coordinates,
    /// How near every row's direction is to every representative's, `[rows, representatives]`.
    nearness: Vec<u8>,
}

/// The components of the rows of a pool, or of some of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coordinates {
    rows: usize,
    /// Per kernel, `[COMPONENTS][rows]`.
    values: [Vec<f32>; KERNELS],
}

impl Coordinates {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Those of all rows under one kernel, `[COMPONENTS][rows]`.
    #[inline]
    pub fn of_kernel(&self, kernel: usize) -> &[f32] {
        &self.values[kernel]
    }

    /// Those of some of the rows, in this order.
    pub fn of_rows(&self, rows: &[u32]) -> Self {
        let pick = |of_one: &[f32]| rows.iter().map(|&row| of_one[row as usize]).collect::<Vec<f32>>();
        let values = std::array::from_fn(|kernel| {
            self.values[kernel].chunks_exact(self.rows.max(1)).flat_map(pick).collect()
        });
        Self { rows: rows.len(), values }
    }
}

/// What makes components of rows: those of the pool that it was made of, and others, of which it sees what the pool's landmarks
/// tell (the extension of Nyström; Bengio et al., Neural Computation 2004).
#[derive(Clone, Debug, PartialEq)]
pub struct KernelMap {
    landmarks: Vec<u32>,
    centred: Centred,
    representatives: Vec<u32>,
    /// The representatives, as the landmarks are in `centred`.
    cover: Centred,
    units: [f32; KERNELS],
    /// Per kernel, `[landmarks, COMPONENTS]`; none where no components could be found.
    maps: [Option<Vec<f32>>; KERNELS],
}

/// One row under a [`KernelMap`].
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    place: [[f32; COMPONENTS]; KERNELS],
    nearness: Vec<u8>,
}

impl KernelMap {
    /// That of a pool.
    pub fn of(inputs: MatrixView<'_>) -> Self {
        Self::fitted(inputs, |_| ())
    }

    /// The same; `seen` is given every block of similarities that it is made of.
    fn fitted(inputs: MatrixView<'_>, seen: impl FnMut(Block)) -> Self {
        let n = inputs.rows();
        let [landmarks, representatives] = [LANDMARKS, REPRESENTATIVES].map(|most| spaced(n, most));
        let centred = Centred::of(inputs, &landmarks);
        let cover = Centred::of(inputs, &representatives);
        if n == 0 {
            return Self {
                landmarks,
                centred,
                representatives,
                cover,
                units: [1.0; KERNELS],
                maps: [const { None }; KERNELS],
            };
        }
        let units = centred.units();
        let maps = centred.maps(inputs, units, seen);
        Self { landmarks, centred, representatives, cover, units, maps }
    }

    /// The components of some rows of the pool's width; zero where there are fewer directions than components, or where
    /// distances to the landmarks are not finite. Landmarks are named by their places in the pool that the map was made of,
    /// whatever rows these are.
    pub fn components(&self, inputs: MatrixView<'_>) -> KernelPca {
        let mut made = Unfinished::new(self, inputs.rows());
        self.centred.blocks(inputs, self.units, |block| made.add(block));
        made.finish(inputs)
    }

    /// One row, as among [`components`](Self::components).
    pub fn project(&self, row: &[f32]) -> Projection {
        let one = self.components(MatrixView::new(row, 1, row.len()));
        Projection { place: std::array::from_fn(|kernel| one.place(kernel, 0)), nearness: one.nearness }
    }

    /// The components of rows that were [projected](Self::project) one by one.
    pub fn joined(&self, rows: &[&Projection]) -> KernelPca {
        let of_kernel = |kernel: usize| {
            let column = |component: usize| rows.iter().map(move |row| row.place[kernel][component]);
            (0..COMPONENTS).flat_map(column).collect()
        };
        KernelPca {
            landmarks: self.landmarks.clone(),
            representatives: self.representatives.clone(),
            places: Coordinates { rows: rows.len(), values: std::array::from_fn(of_kernel) },
            nearness: rows.iter().flat_map(|row| &row.nearness).copied().collect(),
        }
    }
}

impl KernelPca {
    /// The components of the `n` rows; zero where there are fewer directions than components, or where the inputs
    /// are too large for distances that are finite.
    pub fn of(inputs: MatrixView<'_>) -> Self {
        let n = inputs.rows();
        if n > KEPT_ROWS {
            return KernelMap::of(inputs).components(inputs);
        }
        let mut kept = Vec::new();
        let map = KernelMap::fitted(inputs, |block| kept.push(block));
        let mut made = Unfinished::new(&map, n);
        kept.into_iter().for_each(|block| made.add(block));
        made.finish(inputs)
    }

    /// `exp(-s)` for the squared distance `s` between the directions of `row` and of every
    /// [representative](Self::representatives), from 0 to 255: the kernel of MaxHerding (Bae, Noh & Sutherland, ECCV 2024).
    #[inline]
    pub fn nearness(&self, row: usize) -> &[u8] {
        let m = self.representatives.len();
        &self.nearness[row * m..][..m]
    }

    /// The rows of the pool that stand for all of it, ascending.
    pub fn landmarks(&self) -> &[u32] {
        &self.landmarks
    }

    /// The rows of the pool that stand for all of it where coverage is measured, ascending.
    pub fn representatives(&self) -> &[u32] {
        &self.representatives
    }

    /// Rows of the pool.
    pub fn rows(&self) -> usize {
        self.places.rows
    }

    /// The components of `row` under one of the [`KERNELS`].
    #[inline(always)]
    pub fn place(&self, kernel: usize, row: usize) -> [f32; COMPONENTS] {
        std::array::from_fn(|component| self.places.values[kernel][component * self.places.rows + row])
    }

    /// Those of all rows.
    pub fn places(&self) -> &Coordinates {
        &self.places
    }

    /// The sum over rows of the outer products of their components under one kernel, with a weight for each row;
    /// row-major.
    pub fn weighted_spread(&self, kernel: usize, weights: &[f32]) -> [[f64; COMPONENTS]; COMPONENTS] {
        let places = self.places.of_kernel(kernel);
        let mut weighted = places.to_vec();
        for row in weighted.chunks_exact_mut(self.rows().max(1)) {
            row.iter_mut().zip(weights).for_each(|(x, weight)| *x *= weight);
        }
        let mut sums = vec![0.0; COMPONENTS * COMPONENTS];
        multiply_transposed(&weighted, places, COMPONENTS, COMPONENTS, self.rows(), &mut sums);
        std::array::from_fn(|i| std::array::from_fn(|j| f64::from(sums[i * COMPONENTS + j])))
    }
}

/// Similarities to the landmarks.
struct Block {
    /// Under which kernel.
    kernel: usize,
    /// The first of its rows.
    start: usize,
    /// Shape `[rows, landmarks]`.
    similarities: Vec<f32>,
}

/// Components of which some blocks are missing.
struct Unfinished<'a> {
    map: &'a KernelMap,
    rows: usize,
    values: [Vec<f32>; KERNELS],
}

impl<'a> Unfinished<'a> {
    fn new(map: &'a KernelMap, rows: usize) -> Self {
        let values = std::array::from_fn(|_| vec![0.0; COMPONENTS * rows]);
        Self { map, rows, values }
    }

    fn add(&mut self, Block { kernel, start, similarities }: Block) {
        let m = self.map.landmarks.len();
        let Some(map) = &self.map.maps[kernel] else { return };
        let mut places = vec![0.0; similarities.len() / m * COMPONENTS];
        project(&similarities, map, m, &mut places);
        for (row, place) in (start..).zip(places.chunks_exact(COMPONENTS)) {
            for (component, &value) in place.iter().enumerate() {
                self.values[kernel][component * self.rows + row] = value;
            }
        }
    }

    fn finish(self, inputs: MatrixView<'_>) -> KernelPca {
        let Self { map, rows, values } = self;
        let nearness = map.cover.nearness(inputs);
        let (landmarks, representatives) = (map.landmarks.clone(), map.representatives.clone());
        KernelPca { landmarks, representatives, places: Coordinates { rows, values }, nearness }
    }
}

/// The landmarks of a pool, seen from the pool's mean.
#[derive(Clone, Debug, PartialEq)]
struct Centred {
    mean: Vec<f32>,
    /// The landmarks' rows, and the squares of their lengths.
    marks: Vec<f32>,
    squares: Vec<f32>,
}

impl Centred {
    fn of(inputs: MatrixView<'_>, landmarks: &[u32]) -> Self {
        let rows: Vec<RowId> = (0..inputs.rows() as u32).map(RowId).collect();
        let mean = mean(Rows::new(inputs, &rows));
        let centred = |&row: &u32| inputs.row(row as usize).iter().zip(&mean).map(|(x, mean)| x - mean);
        let marks: Vec<f32> = landmarks.iter().flat_map(centred).collect();
        let squares = squares(&marks, landmarks.len(), inputs.cols());
        Self { mean, marks, squares }
    }

    /// Rows from `start` on, and the squares of their lengths.
    fn rows(&self, inputs: MatrixView<'_>, start: usize, count: usize) -> (Vec<f32>, Vec<f32>) {
        let d = inputs.cols();
        let values = &inputs.values()[start * d..(start + count) * d];
        let rows: Vec<f32> = values
            .chunks_exact(d.max(1))
            .flat_map(|row| row.iter().zip(&self.mean).map(|(x, mean)| x - mean))
            .collect();
        let squares = squares(&rows, count, d);
        (rows, squares)
    }

    /// The squared distances of some rows to the landmarks under both kernels, shape `[rows, landmarks]` each.
    fn distances(&self, rows: &[f32], own: &[f32]) -> [Vec<f32>; KERNELS] {
        let m = self.squares.len();
        let mut plain = vec![0.0; own.len() * m];
        multiply_transposed(rows, &self.marks, own.len(), m, self.mean.len(), &mut plain);
        let mut angular = plain.clone();
        for ((plain, angular), &own) in plain.chunks_mut(m).zip(angular.chunks_mut(m)).zip(own) {
            for ((plain, angular), &other) in plain.iter_mut().zip(angular).zip(&self.squares) {
                *angular = between_directions(*plain, own, other);
                *plain = not_negative(own + other - 2.0 * *plain);
            }
        }
        [plain, angular]
    }

    /// `exp(-s)` for the squared distance `s` between the directions of every row and of every mark, from 0 to 255, `[rows, marks]`.
    fn nearness(&self, inputs: MatrixView<'_>) -> Vec<u8> {
        let m = self.squares.len();
        let mut near = vec![0; inputs.rows() * m];
        let n = if m == 0 { 0 } else { inputs.rows() };
        for start in (0..n).step_by(BLOCK) {
            let (rows, own) = self.rows(inputs, start, BLOCK.min(n - start));
            let mut products = vec![0.0; own.len() * m];
            multiply_transposed(&rows, &self.marks, own.len(), m, self.mean.len(), &mut products);
            near_directions(&products, &own, &self.squares, &mut near[start * m..][..own.len() * m]);
        }
        near
    }

    /// Per kernel, the median squared distance between landmarks; where most of them are equal the mean, and
    /// where all are, one.
    fn units(&self) -> [f32; KERNELS] {
        let m = self.squares.len();
        self.distances(&self.marks, &self.squares).map(|all| {
            let mut pairs: Vec<f32> =
                (0..m).flat_map(|row| all[row * m..row * m + row].iter().copied()).collect();
            if pairs.is_empty() {
                return 1.0;
            }
            let middle = pairs.len() / 2;
            let median = *pairs.select_nth_unstable_by(middle, f32::total_cmp).1;
            let mean = pairs.iter().sum::<f32>() / pairs.len() as f32;
            [median, mean].into_iter().find(|&unit| unit > 0.0 && unit.is_finite()).unwrap_or(1.0)
        })
    }

    /// Shows `see` the similarities of some rows to the landmarks, block by block. Without landmarks there is nothing to show.
    fn blocks(&self, inputs: MatrixView<'_>, units: [f32; KERNELS], mut see: impl FnMut(Block)) {
        let n = if self.squares.is_empty() { 0 } else { inputs.rows() };
        for start in (0..n).step_by(BLOCK) {
            let (rows, own) = self.rows(inputs, start, BLOCK.min(n - start));
            for (kernel, mut block) in self.distances(&rows, &own).into_iter().enumerate() {
                similarities(&mut block, units[kernel]);
                see(Block { kernel, start, similarities: block });
            }
        }
    }

    /// Per kernel, the matrix that makes components of similarities to the landmarks, `[landmarks, COMPONENTS]`; none
    /// where some similarity is not a number. `seen` is given every block of similarities that they are made of.
    fn maps(
        &self,
        inputs: MatrixView<'_>,
        units: [f32; KERNELS],
        mut seen: impl FnMut(Block),
    ) -> [Option<Vec<f32>>; KERNELS] {
        let m = self.squares.len();
        let mut products: [Vec<f32>; KERNELS] = std::array::from_fn(|_| vec![0.0; m * m]);
        self.blocks(inputs, units, |block| {
            let values = &block.similarities;
            let (rows, mut turned, mut part) = (values.len() / m, vec![0.0; values.len()], vec![0.0; m * m]);
            for (row, values) in values.chunks_exact(m).enumerate() {
                for (mark, &value) in values.iter().enumerate() {
                    turned[mark * rows + row] = value;
                }
            }
            multiply_transposed(&turned, &turned, m, m, rows, &mut part);
            products[block.kernel].iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            seen(block);
        });
        let mut own = self.distances(&self.marks, &self.squares);
        std::array::from_fn(|kernel| {
            similarities(&mut own[kernel], units[kernel]);
            principal_map(&own[kernel], &products[kernel], m)
        })
    }
}

/// At most so many of `n` rows, evenly spaced.
fn spaced(n: usize, most: usize) -> Vec<u32> {
    let count = most.min(n);
    (0..count).map(|at| (at * n / count) as u32).collect()
}

fn squares(rows: &[f32], count: usize, width: usize) -> Vec<f32> {
    let mut squares: Vec<f32> =
        rows.chunks_exact(width.max(1)).map(|row| row.iter().map(|x| x * x).sum()).collect();
    squares.resize(count, 0.0);
    squares
}

/// The squared distance between the directions of two rows, by their product and the squares of their lengths. A row at the mean has
/// no direction: its own is the zero vector.
#[inline(always)]
fn between_directions(product: f32, own: f32, other: f32) -> f32 {
    let (a, b) = (f32::from(own > 0.0), f32::from(other > 0.0));
    let cosine = product / (own * other).sqrt().max(f32::MIN_POSITIVE);
    not_negative(a + b - 2.0 * cosine)
}

dispatched! {
    /// See [`Centred::nearness`]; a row that is no number is near nothing.
    fn near_directions(products: &[f32], own: &[f32], marks: &[f32], near: &mut [u8]) {
        let m = marks.len();
        for ((products, near), &own) in products.chunks_exact(m).zip(near.chunks_exact_mut(m)).zip(own) {
            for ((&product, near), &other) in products.iter().zip(near).zip(marks) {
                let similarity = exp(-between_directions(product, own, other));
                *near = (f32::from(u8::MAX) * similarity + 0.5) as u8;
            }
        }
    }
}

/// Zero for a negative number; one that is none stays.
#[inline(always)]
fn not_negative(value: f32) -> f32 {
    if value < 0.0 { 0.0 } else { value }
}

fn similarities(distances: &mut [f32], unit: f32) {
    distances.iter_mut().for_each(|s| *s = (-*s / unit).exp());
}

/// The map to the first principal components, from the landmarks' similarities to each other, `K`, and the product
/// of all rows' similarities to them, `C' C`. `None` if the two are not numbers.
///
/// With `K = V W V'`, the rows `C V W^(-1/2)` have the products that the kernel has; their first principal axes,
/// not centred, are the eigenvectors of `W^(-1/2) V' C' C V W^(-1/2)`.
fn principal_map(own: &[f32], product: &[f32], m: usize) -> Option<Vec<f32>> {
    let solve = |matrix: DMatrix<f64>| {
        let finite = matrix.iter().all(|value| value.is_finite());
        finite.then(|| SymmetricEigen::try_new(matrix, f64::EPSILON, MOST_SWEEPS)).flatten()
    };
    let matrix = |values: &[f32]| DMatrix::from_fn(m, m, |i, j| f64::from(values[i * m + j]));
    let SymmetricEigen { eigenvectors: mut root, eigenvalues } = solve(matrix(own))?;
    for (mut column, variance) in root.column_iter_mut().zip(eigenvalues.iter()) {
        column /= variance.max(LEAST_VARIANCE).sqrt();
    }
    let axes = solve(square_product(&square_product(&root.transpose(), &matrix(product)), &root))?;
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&a, &b| axes.eigenvalues[b].total_cmp(&axes.eigenvalues[a]));
    let mut map = vec![0.0; m * COMPONENTS];
    for (component, &axis) in order.iter().take(COMPONENTS).enumerate() {
        let along = &root * axes.eigenvectors.column(axis);
        for (landmark, value) in along.iter().enumerate() {
            map[landmark * COMPONENTS + component] = *value as f32;
        }
    }
    Some(map)
}

dispatched! {
    /// The components of rows by their similarities to the `m` landmarks, `[rows, COMPONENTS]`, added to `places`.
    fn project(similarities: &[f32], map: &[f32], m: usize, places: &mut [f32]) {
        let places = places.as_chunks_mut::<COMPONENTS>().0.iter_mut();
        for (place, similarities) in places.zip(similarities.chunks_exact(m)) {
            let mut sums = *place;
            for (&similarity, along) in similarities.iter().zip(map.as_chunks::<COMPONENTS>().0) {
                for (sum, along) in sums.iter_mut().zip(along) {
                    *sum += similarity * along;
                }
            }
            *place = sums;
        }
    }
}

/// The product of two square matrices of one size. Every sum is in the order of the inner index, where the library's
/// own product chooses the order by the processor.
fn square_product(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    let m = a.nrows();
    let mut out = DMatrix::zeros(m, m);
    add_product(a.as_slice(), b.as_slice(), m, out.as_mut_slice());
    out
}

dispatched! {
    /// Adds the product of two matrices of `m` rows to a third; all lie column by column.
    fn add_product(a: &[f64], b: &[f64], m: usize, out: &mut [f64]) {
        for (out, b) in out.chunks_exact_mut(m).zip(b.chunks_exact(m)) {
            for (a, &factor) in a.chunks_exact(m).zip(b) {
                for (sum, &value) in out.iter_mut().zip(a) {
                    *sum += value * factor;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;
    use rand::RngExt;

    fn random(n: usize, d: usize, seed: u64) -> Vec<f32> {
        let mut rng = Key::root(seed).rng();
        (0..n * d).map(|_| rng.random::<f32>() - 0.3).collect()
    }

    /// Products of two rows' components.
    fn products(components: &KernelPca, kernel: usize) -> Vec<f64> {
        let n = components.rows();
        let place = |row| components.place(kernel, row);
        let product = |i, j| place(i).into_iter().zip(place(j)).map(|(x, y)| f64::from(x * y)).sum();
        (0..n * n).map(|at| product(at / n, at % n)).collect()
    }

    /// With fewer rows than components nothing is left out: the products are the kernel itself.
    #[test]
    fn of_few_rows_the_products_are_the_kernel() {
        let (n, d) = (12, 3);
        let values = random(n, d, 1);
        let components = KernelPca::of(MatrixView::new(&values, n, d));
        assert_eq!(components.landmarks(), (0..12).collect::<Vec<u32>>());
        let mean: Vec<f64> =
            (0..d).map(|j| (0..n).map(|i| f64::from(values[i * d + j])).sum::<f64>() / n as f64).collect();
        let centred = |i: usize| -> Vec<f64> {
            values[i * d..(i + 1) * d].iter().zip(&mean).map(|(&x, mean)| f64::from(x) - mean).collect()
        };
        let direction = |i: usize| -> Vec<f64> {
            let length = centred(i).iter().map(|x| x * x).sum::<f64>().sqrt();
            centred(i).iter().map(|x| x / length).collect()
        };
        for (kernel, row) in [&centred as &dyn Fn(usize) -> Vec<f64>, &direction].into_iter().enumerate() {
            let squared = |i: usize, j: usize| -> f64 {
                row(i).iter().zip(row(j)).map(|(x, y)| (x - y) * (x - y)).sum()
            };
            let mut pairs: Vec<f64> =
                (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| squared(i, j)).collect();
            pairs.sort_by(f64::total_cmp);
            let median = pairs[pairs.len() / 2];
            for (at, found) in products(&components, kernel).into_iter().enumerate() {
                let exact = (-squared(at / n, at % n) / median).exp();
                assert!((found - exact).abs() < 1e-3, "kernel {kernel}: {found} {exact}");
            }
        }
    }

    /// Of more rows than landmarks: the products are near the kernel in a space that few components describe.
    #[test]
    fn few_components_describe_a_smooth_kernel() {
        let (n, d) = (300, 1);
        let values = random(n, d, 2);
        let components = KernelPca::of(MatrixView::new(&values, n, d));
        assert_eq!(components.landmarks().len(), 128);
        let mut pairs: Vec<f32> = Vec::new();
        let at = |row: u32| values[row as usize];
        for (i, &a) in components.landmarks().iter().enumerate() {
            pairs.extend(components.landmarks()[..i].iter().map(|&b| (at(a) - at(b)).powi(2)));
        }
        pairs.sort_by(f32::total_cmp);
        let median = f64::from(pairs[pairs.len() / 2]);
        for (at, found) in products(&components, 0).into_iter().enumerate() {
            let exact = (-f64::from(values[at / n] - values[at % n]).powi(2) / median).exp();
            assert!((found - exact).abs() < 5e-3, "{found} {exact}");
        }
        let spread = components.weighted_spread(0, &[1.0; 300]);
        let trace: f64 = (0..COMPONENTS).map(|i| spread[i][i]).sum();
        assert!((trace / n as f64 - 1.0).abs() < 1e-2, "{trace}");
    }

    /// Rows that the pool does not hold, among them some far from all of it: their products are near the kernel, too. Those of the
    /// pool are what they are, however they are handed in.
    #[test]
    fn rows_that_come_later_are_projected() {
        let (n, d) = (300, 1);
        let values = random(n, d, 5);
        let pool = MatrixView::new(&values, n, d);
        let (map, components) = (KernelMap::of(pool), KernelPca::of(pool));
        let own: Vec<Projection> = (0..n).map(|row| map.project(pool.row(row))).collect();
        assert_eq!(map.joined(&own.iter().collect::<Vec<_>>()), components);
        let later = [random(40, d, 6), vec![9.0]].concat();
        let place = |row: &[f32]| map.project(row).place[0];
        let unit = map.units[0];
        let mut worst = 0.0f32;
        for row in later.chunks_exact(d) {
            for other in values.chunks_exact(d) {
                let found: f32 = place(row).iter().zip(place(other)).map(|(a, b)| a * b).sum();
                let square: f32 = row.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum();
                worst = worst.max((found - (-square / unit).exp()).abs());
            }
        }
        assert!(worst < 5e-3, "{worst}");
        let nothing = KernelMap::of(MatrixView::new(&[], 0, d));
        assert_eq!(nothing.components(pool).rows(), n);
        assert_eq!(nothing.project(&[1.0]).place, [[0.0; COMPONENTS]; KERNELS]);
    }

    #[test]
    fn degenerate_pools_have_components_too() {
        assert_eq!(KernelPca::of(MatrixView::new(&[], 0, 3)).rows(), 0);
        for (values, n, d) in [
            (vec![2.5], 1, 1),
            (vec![1.0; 40], 20, 2),
            (Vec::new(), 5, 0),
            (vec![f32::MAX, -f32::MAX, 1.0, 0.0], 4, 1),
            ([vec![0.0; 90], vec![1.0; 10]].concat(), 100, 1),
        ] {
            let components = KernelPca::of(MatrixView::new(&values, n, d));
            assert_eq!(components.rows(), n);
            for kernel in 0..KERNELS {
                let all = (0..n).flat_map(|row| components.place(kernel, row));
                assert!(all.clone().all(|value| value.is_finite()), "{n} rows of {d}");
                let squares = all.map(|x| f64::from(x * x)).sum::<f64>();
                assert!(squares <= 1.1 * n as f64, "{n} rows of {d}: {squares}");
            }
        }
    }
}
