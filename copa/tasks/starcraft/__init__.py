"""StarCraft micromanagement: two small armies of the same make-up, behind one view and two engines."""
