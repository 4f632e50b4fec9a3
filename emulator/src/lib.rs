//! A stateful emulator of Adobe Experience Platform's ingestion APIs.
