"""The offline store: what the log recorded, as tables on disk, and what training makes of them.

Everything here reads tables of one `OfflineStore`. Two rules hold wherever times meet:

- A value that was written is known from its time on: at a moment t it counts when `written_at_ms <= t`.
- An event is known after its moment: before a moment t it counts when `occurred_at_ms < t`. What happens at t itself, the
  event that is to be predicted above all, is not known at t.

Of two values of the same time the one that came later in the log counts; events of the same time are in the order of the log.
"""
