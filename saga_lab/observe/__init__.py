"""Observers to hand to an engine: what its sagas do, as numbers, as traces and as lines of a log.

    engine = Engine(journal, observers=[Logs(journal), Metrics(journal), Traces(journal)])

`Logs` is in `saga_lab.observe.logs` and needs nothing more; `Metrics` (`.metrics`, Prometheus) and
`Traces` (`.traces`, OpenTelemetry) need `pip install "saga-lab[observe]"`. Each is given the journal,
since a saga that another worker began is known from there alone. None can break a saga.
"""
