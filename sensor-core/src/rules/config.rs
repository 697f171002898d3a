//! The files beside rules: classes, reference systems, thresholds.
