"""What is looked at while one works: small pictures of clips, the answer to a hint, drawings of a trained pair."""
