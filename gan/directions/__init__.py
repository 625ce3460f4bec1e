"""Linear directions in W for what tables know of lesions: fitted, measured by judges that never saw a code, applied."""
