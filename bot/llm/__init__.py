"""Language models: who is asked, what a model knows of the business, what a caller meant."""
