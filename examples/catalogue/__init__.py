"""What the bookshops share: the books, their data directory, what the pages do, and the pages' templates."""
