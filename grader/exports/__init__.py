"""What other systems read: one module for each, all made from the same checks, so that totals are equal."""
