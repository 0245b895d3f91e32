"""What records say: counted (`summary`), as tables, as text, and as a page with charts (`html`)."""
