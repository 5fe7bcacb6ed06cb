"""Every kind of channel, found by listing this folder; see messaging.channel.Channel."""
