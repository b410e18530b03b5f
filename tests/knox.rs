//! `knox`: the whole chain and its endpoints over a database that Django made with django-rest-knox. What knox
//! answers in detail is replayed in tests/replay.rs.

mod support;
