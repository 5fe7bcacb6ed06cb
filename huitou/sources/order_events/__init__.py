"""Orders told event by event: read by the rules of files, folded order by order, emitted as whole new versions."""
