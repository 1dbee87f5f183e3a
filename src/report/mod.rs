//! Statistics, figures and the HTML report.
