"""What a document says about itself: its title, its organisation, its kind and its period."""
