"""Everything that knows Streamlit: the app, its state, its services, charts, controls and components."""
