//! A typed client of Adobe Experience Platform that says what is known after a failure.
