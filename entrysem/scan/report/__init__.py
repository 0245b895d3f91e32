"""What the records of scans say: counted (`summary`), as text (`text`), as a page with charts (`html`)."""
