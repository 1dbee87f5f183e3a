//! Markers: the shapes that tell strategies apart where colours repeat.

/// The shape of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// A disc.
    Circle,
    /// A square.
    Square,
    /// A triangle on its base.
    TriangleUp,
    /// A square on its corner.
    Diamond,
    /// A triangle on its tip.
    TriangleDown,
    /// An upright cross.
    Plus,
    /// A star of five points.
    Star,
    /// A slanted cross.
    Cross,
}

impl Marker {
    /// All of them, those that differ most first.
    pub const ALL: [Marker; 8] = [
        Marker::Circle,
        Marker::Square,
        Marker::TriangleUp,
        Marker::Diamond,
        Marker::TriangleDown,
        Marker::Plus,
        Marker::Star,
        Marker::Cross,
    ];

    /// The corners about `centre`, of about the area of a disc of `radius`; none for a circle.
    pub fn corners(self, centre: (f64, f64), radius: f64) -> Vec<(f64, f64)> {
        // Unit corners, y downwards.
        const ARM: f64 = 0.42;
        const PLUS: [(f64, f64); 12] = [
            (-ARM, -1.2),
            (ARM, -1.2),
            (ARM, -ARM),
            (1.2, -ARM),
            (1.2, ARM),
            (ARM, ARM),
            (ARM, 1.2),
            (-ARM, 1.2),
            (-ARM, ARM),
            (-1.2, ARM),
            (-1.2, -ARM),
            (-ARM, -ARM),
        ];
        let turned = |(x, y): (f64, f64), angle: f64| {
            (x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos())
        };
        let unit: Vec<(f64, f64)> = match self {
            Marker::Circle => Vec::new(),
            Marker::Square => vec![(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Marker::TriangleUp => vec![(0.0, -1.3), (1.2, 0.9), (-1.2, 0.9)],
            Marker::Diamond => vec![(0.0, -1.35), (1.15, 0.0), (0.0, 1.35), (-1.15, 0.0)],
            Marker::TriangleDown => vec![(0.0, 1.3), (1.2, -0.9), (-1.2, -0.9)],
            Marker::Plus => PLUS.to_vec(),
            Marker::Cross => PLUS.map(|corner| turned(corner, std::f64::consts::FRAC_PI_4)).to_vec(),
            Marker::Star => (0..10)
                .map(|corner| {
                    let reach = if corner % 2 == 0 { 1.5 } else { 0.65 };
                    turned((0.0, -reach), f64::from(corner) * std::f64::consts::PI / 5.0)
                })
                .collect(),
        };
        unit.into_iter().map(|(x, y)| (centre.0 + radius * x, centre.1 + radius * y)).collect()
    }
}
