//! Marionette.
