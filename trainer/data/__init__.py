"""Select what a night learns from: interactions, splits, spam filters, position bias. The trainer's ground floor."""
